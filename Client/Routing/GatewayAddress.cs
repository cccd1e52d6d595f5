using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace OrleansCache.Routing;

/// <summary><c>HOST:PORT</c> of a gateway.</summary>
internal static class GatewayAddress
{
    /// <summary>Splits host and port; IPv6 addresses stand in brackets.</summary>
    public static bool TryParse(string text, out string host, out int port)
    {
        host = string.Empty;
        port = 0;
        var colon = text.LastIndexOf(':');
        if (colon <= 0
            || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
            || port is < 1 or > 65535)
        {
            return false;
        }

        host = text[..colon].Trim('[', ']');
        return host.Length > 0 && (!host.Contains(':', StringComparison.Ordinal) || text[0] == '[');
    }

    /// <summary>The endpoint to connect to. Asks the resolver unless the host is an address.</summary>
    /// <exception cref="ArgumentException">The text is not <c>HOST:PORT</c>.</exception>
    /// <exception cref="ClusterUnreachableException">The host has no address.</exception>
    public static IPEndPoint Resolve(string text)
    {
        if (!TryParse(text, out var host, out var port))
        {
            throw new ArgumentException($"'{text}' is not HOST:PORT", nameof(text));
        }

        if (IPAddress.TryParse(host, out var address))
        {
            return new IPEndPoint(address, port);
        }

        try
        {
            var addresses = Dns.GetHostAddresses(host);
            var chosen = addresses.FirstOrDefault(one => one.AddressFamily == AddressFamily.InterNetwork)
                ?? addresses.FirstOrDefault()
                ?? throw new ClusterUnreachableException($"the host {host} has no address", default, null);
            return new IPEndPoint(chosen, port);
        }
        catch (SocketException error)
        {
            throw new ClusterUnreachableException($"the host {host} of the cluster is not known ({error.Message})", default, error);
        }
    }
}
