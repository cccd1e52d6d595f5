using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Wires;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Connections;

/// <summary>
/// Connects and shakes hands on the thread that will receive afterwards, so that nothing of it blocks the caller. Giving up
/// shuts the socket down, which ends whatever the thread waits for.
/// </summary>
internal sealed class ConnectAttempt(DataEndpoint endpoint, BlockConnectionOptions options, TimeProvider time)
{
    // Receiving needs no deep stack.
    private const int StackBytes = 256 * 1024;
    private const int MaxSocketPathBytes = 107;

    private readonly TaskCompletionSource<BlockConnection> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HandshakeIdentity _identity = new(options.Role, options.ClusterId, options.ClusterSecret);
    private readonly long _start = time.GetTimestamp();
    private readonly Lock _gate = new();
    private StreamSocket? _current;
    private bool _abandoned;

    private string Server => $"block server {endpoint.Host}:{endpoint.Port}";

    public async Task<BlockConnection> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            var addresses = await ResolveAsync(cancellationToken).WaitAsync(options.ConnectTimeout, time, cancellationToken)
                .ConfigureAwait(false);
            new Thread(() => Run(addresses), StackBytes) { IsBackground = true, Name = $"blocks of {endpoint.Host}" }.Start();
            return await SynchronousCaller.Here(_connected.Task, TimeLeft, cancellationToken).WaitAsync(TimeLeft, time, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            Abandon();
            if (exception is OperationCanceledException)
            {
                throw;
            }

            throw new BlockServerUnreachableException($"{Server} did not answer within {options.ConnectTimeout.TotalSeconds:0.#} s", exception);
        }
    }

    private TimeSpan TimeLeft
    {
        get
        {
            var left = options.ConnectTimeout - time.GetElapsedTime(_start);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    private async Task<IPAddress[]> ResolveAsync(CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(endpoint.Host, out var address))
        {
            return [address];
        }

        try
        {
            return await Dns.GetHostAddressesAsync(endpoint.Host, cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException exception)
        {
            // The Unix socket may still do.
            return endpoint.SocketPath is null
                ? throw new BlockServerUnreachableException($"{Server} has no address: {exception.Message}", exception)
                : [];
        }
    }

    private void Run(IPAddress[] addresses)
    {
        BlockConnection? connection = null;
        try
        {
            connection = ConnectUnix() ?? ConnectTcp(addresses);
        }
        catch (Exception exception)
        {
            _connected.TrySetException(exception);
        }

        if (connection is null)
        {
            return;
        }

        lock (_gate)
        {
            _current = null;
            if (_abandoned || !_connected.TrySetResult(connection))
            {
                connection.Break();
            }
        }

        connection.ReceiveAll();
    }

    private BlockConnection? ConnectUnix()
    {
        if (endpoint.SocketPath is not { } path || Encoding.UTF8.GetByteCount(path) > MaxSocketPathBytes || !File.Exists(path))
        {
            return null;
        }

        try
        {
            return Connect(new UnixDomainSocketEndPoint(path), isUnix: true, out _);
        }
        catch (HandshakeRefusedException exception) when (exception.Refusal == HandshakeRefusal.PeerUser)
        {
            // Another user's silo serves us over TCP, without descriptors.
            return null;
        }
    }

    private BlockConnection ConnectTcp(IPAddress[] addresses)
    {
        var errno = Errno.NoSuchDeviceOrAddress;
        foreach (var address in addresses)
        {
            if (options.ClusterSecret.IsEmpty && !IPAddress.IsLoopback(address))
            {
                throw new HandshakeRefusedException(
                    HandshakeRefusal.SecretRequired,
                    $"{Server} is on another host and this client has no cluster secret: give it the cluster's secret");
            }

            if (options.Tls is null && !options.TrustedNetwork && !IPAddress.IsLoopback(address))
            {
                throw new HandshakeRefusedException(
                    HandshakeRefusal.TlsRequired,
                    $"{Server} is on another host and this client has neither TLS nor a trusted network: give it the certificate's "
                    + "authority (--tls-ca), or set TrustedNetwork if nobody on that network can listen or meddle");
            }

            if (Connect(new IPEndPoint(address, endpoint.Port), isUnix: false, out errno) is { } connection)
            {
                return connection;
            }
        }

        throw new BlockServerUnreachableException($"{Server} cannot be reached ({errno}): is the silo running?");
    }

    private BlockConnection? Connect(EndPoint address, bool isUnix, out Errno errno)
    {
        var socket = StreamSocket.Connect(address, TimeLeft, out errno);
        if (socket is null)
        {
            return null;
        }

        var keep = false;
        IWire wire = new PlainWire(socket);
        try
        {
            if (!TrySetCurrent(socket))
            {
                return null;
            }

            socket.SetSendTimeout(options.SendTimeout);
            if (!isUnix)
            {
                socket.TuneTcp();
            }

            if (!isUnix && options.Tls is { } trust)
            {
                wire = StartTls(socket, trust);
            }

            var server = new ClientHandshake(wire, _identity, isUnix, Server).Run();
            errno = server is null ? Errno.ConnectionAborted : Errno.None;
            keep = server is not null;
            return server is null ? null : new BlockConnection(wire, server, isUnix, options, time);
        }
        finally
        {
            if (!keep)
            {
                Forget();
                wire.Dispose();
            }
        }
    }

    private TlsWire StartTls(StreamSocket socket, ServerTrust trust)
    {
        var speaksTls = true;
        try
        {
            return TlsWire.Connect(socket, trust, endpoint.Host, time, out speaksTls);
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException && !speaksTls)
        {
            throw new HandshakeRefusedException(
                HandshakeRefusal.TlsUnexpected,
                $"{Server} does not speak TLS: start it with a certificate (--tls-cert and --tls-key), or this client without --tls-ca");
        }
        catch (IOException exception)
        {
            throw new BlockServerUnreachableException($"{Server} ended the TLS handshake: {exception.Message}", exception);
        }
        catch (AuthenticationException exception)
        {
            throw new HandshakeRefusedException(
                HandshakeRefusal.TlsFailed,
                $"{Server} is not to be believed: {exception.Message.TrimEnd('.')}. Check the authority (--tls-ca) and the names in its certificate");
        }
    }

    private bool TrySetCurrent(StreamSocket socket)
    {
        lock (_gate)
        {
            _current = socket;
            return !_abandoned;
        }
    }

    private void Forget()
    {
        lock (_gate)
        {
            _current = null;
        }
    }

    private void Abandon()
    {
        lock (_gate)
        {
            _abandoned = true;
            _current?.Shutdown();
        }

        // It may have been connected in the last moment, with nobody left to take it.
        if (_connected.Task.IsCompletedSuccessfully)
        {
            _connected.Task.Result.Break();
        }
    }
}
