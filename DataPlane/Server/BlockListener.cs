using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Server;

/// <summary>Checks where a block server may listen, and listens there.</summary>
[UnsupportedOSPlatform("windows")]
internal static class BlockListener
{
    private const int Backlog = 512;
    private const int OwnerOnlyDirectory = 0b111_000_000, MaxSocketPathBytes = 107;
    private const UnixFileMode OthersMask =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Listens on TCP.</summary>
    /// <exception cref="DataPlaneListenException">It may not or cannot.</exception>
    public static StreamSocket ListenTcp(BlockServerOptions options)
    {
        var address = Resolve(options.Host);
        RequireSafety(options, address);
        try
        {
            return StreamSocket.Listen(new IPEndPoint(address, options.Port), Backlog);
        }
        catch (LinuxFileException exception) when (exception.Errno == AddressInUse)
        {
            throw new DataPlaneListenException(
                DataPlaneListenError.Taken,
                $"data port {options.Port} on {options.Host} is taken: stop what listens there, or choose another with --data-port",
                exception);
        }
        catch (LinuxFileException exception)
        {
            throw new DataPlaneListenException(
                DataPlaneListenError.Address, $"cannot serve blocks on {options.Host}:{options.Port}: {exception.Message}", exception);
        }
    }

    /// <summary>Listens on a Unix socket only its user and root can reach.</summary>
    /// <exception cref="DataPlaneListenException">It may not or cannot.</exception>
    public static StreamSocket ListenUnix(string path)
    {
        if (Encoding.UTF8.GetByteCount(path) > MaxSocketPathBytes)
        {
            throw new DataPlaneListenException(
                DataPlaneListenError.SocketPath,
                $"the Unix socket's path {path} is longer than {MaxSocketPathBytes} bytes: choose a shorter data directory");
        }

        RequirePrivateDirectory(path);
        var address = new UnixDomainSocketEndPoint(path);
        RemoveStale(path, address);
        try
        {
            var socket = StreamSocket.Listen(address, Backlog);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            return socket;
        }
        catch (Exception exception) when (exception is LinuxFileException or IOException or UnauthorizedAccessException)
        {
            throw new DataPlaneListenException(
                DataPlaneListenError.SocketPath, $"cannot serve blocks on the Unix socket {path}: {exception.Message}", exception);
        }
    }

    private const int AddressInUse = 98;

    private static IPAddress Resolve(string host)
    {
        if (IPAddress.TryParse(host, out var address))
        {
            return address;
        }

        try
        {
            return Dns.GetHostAddresses(host)[0];
        }
        catch (Exception exception) when (exception is SocketException or IndexOutOfRangeException)
        {
            throw new DataPlaneListenException(
                DataPlaneListenError.Address, $"the data plane's host {host} has no address: use an IP address of this host", exception);
        }
    }

    private static void RequireSafety(BlockServerOptions options, IPAddress address)
    {
        if (IPAddress.IsLoopback(address))
        {
            return;
        }

        if (options.ClusterSecret.IsEmpty)
        {
            throw new DataPlaneListenException(
                DataPlaneListenError.SecretRequired,
                $"without a cluster secret blocks are served on loopback only, not on {options.Host}: set the secret, or listen on 127.0.0.1");
        }

        if (!options.TrustedNetwork && options.Certificate is null)
        {
            throw new DataPlaneListenException(
                DataPlaneListenError.TrustRequired,
                $"blocks would leave {options.Host} without TLS: give a certificate with --tls-cert and --tls-key, "
                + "or set TrustedNetwork if nobody on that network can listen or meddle");
        }
    }

    private static void RequirePrivateDirectory(string path)
    {
        var directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        try
        {
            Directory.CreateDirectory(directory, (UnixFileMode)OwnerOnlyDirectory);
            if ((File.GetUnixFileMode(directory) & OthersMask) == 0)
            {
                return;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataPlaneListenException(
                DataPlaneListenError.SocketPath, $"cannot use {directory} for the Unix socket: {exception.Message}", exception);
        }

        throw new DataPlaneListenException(
            DataPlaneListenError.SocketPath,
            $"{directory} is open to other users, so the Unix socket cannot be there: chmod 700 it, or choose another directory");
    }

    /// <summary>A socket nobody listens on is what a killed silo left behind.</summary>
    private static void RemoveStale(string path, UnixDomainSocketEndPoint address)
    {
        if (!File.Exists(path))
        {
            return;
        }

        using var probe = StreamSocket.Connect(address, TimeSpan.FromSeconds(1), out var errno);
        if (probe is null && errno == Errno.ConnectionRefused && File.GetAttributes(path) is var attributes
            && (attributes & FileAttributes.Directory) == 0 && new FileInfo(path).Length == 0)
        {
            File.Delete(path);
            return;
        }

        throw new DataPlaneListenException(
            DataPlaneListenError.Taken,
            $"the Unix socket {path} is served by a running silo, or is another file: stop that silo, or choose another data directory");
    }
}
