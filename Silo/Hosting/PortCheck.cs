using System.Net;
using System.Net.Sockets;
using OrleansCache.Silo.Configuration;

namespace OrleansCache.Silo.Hosting;

/// <summary>
/// Tries every port before anything starts, so that a taken one is named with its flag. Port 0 becomes a free port here:
/// the same number is then listened on, told to clients and written down.
/// </summary>
internal static class PortCheck
{
    /// <summary>The settings with real port numbers.</summary>
    /// <exception cref="SiloStartException">A port is taken or needs a right we do not have.</exception>
    public static SiloSettings Resolve(SiloSettings settings)
    {
        var probes = new List<Socket>();
        try
        {
            var ports = settings.Ports.Select(port =>
            {
                var probe = new Socket(settings.Listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                probes.Add(probe);
                return Bind(probe, settings.Listen, port.Setting, port.Port);
            }).ToArray();
            return settings with { SiloPort = ports[0], GatewayPort = ports[1], DataPort = ports[2], HttpPort = ports[3] };
        }
        finally
        {
            // All at the end: random ports must not be given out twice.
            probes.ForEach(probe => probe.Dispose());
        }
    }

    private static int Bind(Socket probe, IPAddress address, Setting setting, int port)
    {
        try
        {
            // As the servers do: a port in TIME_WAIT after a restart is free for us.
            probe.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            probe.Bind(new IPEndPoint(address, port));
            probe.Listen(1);
            return ((IPEndPoint)probe.LocalEndPoint!).Port;
        }
        catch (SocketException exception)
        {
            throw SiloStartException.Failure(
                exception.SocketErrorCode switch
                {
                    SocketError.AddressAlreadyInUse =>
                        $"port {port} on {address} is taken by another program; choose another with {setting.Flag} or stop that program",
                    SocketError.AccessDenied =>
                        $"port {port} needs more rights than this user has; choose one above 1023 with {setting.Flag}",
                    _ => $"cannot listen on {address} port {port} ({exception.Message}); choose another with {setting.Flag} or --listen",
                },
                exception);
        }
    }
}
