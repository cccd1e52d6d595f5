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
        var (host, port) = Parse(text);
        try
        {
            return Choose(host, port, IPAddress.TryParse(host, out var address) ? [address] : Dns.GetHostAddresses(host));
        }
        catch (SocketException error)
        {
            throw NotKnown(host, error);
        }
    }

    /// <summary>The same, without holding a thread: a resolver may take its time.</summary>
    /// <exception cref="ArgumentException">The text is not <c>HOST:PORT</c>.</exception>
    /// <exception cref="ClusterUnreachableException">The host has no address.</exception>
    public static async Task<IPEndPoint> ResolveAsync(string text, CancellationToken cancellationToken)
    {
        var (host, port) = Parse(text);
        try
        {
            return Choose(host, port, IPAddress.TryParse(host, out var address)
                ? [address]
                : await Dns.GetHostAddressesAsync(host, cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false));
        }
        catch (SocketException error)
        {
            throw NotKnown(host, error);
        }
    }

    private static (string Host, int Port) Parse(string text) => TryParse(text, out var host, out var port)
        ? (host, port)
        : throw new ArgumentException($"'{text}' is not HOST:PORT", nameof(text));

    private static IPEndPoint Choose(string host, int port, IPAddress[] addresses)
    {
        var chosen = addresses.FirstOrDefault(one => one.AddressFamily == AddressFamily.InterNetwork)
            ?? addresses.FirstOrDefault()
            ?? throw new ClusterUnreachableException($"the host {host} has no address", default, null);
        return new IPEndPoint(chosen, port);
    }

    private static ClusterUnreachableException NotKnown(string host, SocketException error) =>
        new($"the host {host} of the cluster is not known ({error.Message})", default, error);
}
