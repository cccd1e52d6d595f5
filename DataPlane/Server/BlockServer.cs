using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Wires;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Server;

/// <summary>
/// Serves blocks over TCP and a Unix socket with dedicated blocking threads: one per listener, one per connection that is not
/// idle. A watchdog visits all connections four times a second and ends handshakes, frames and answers that take too long.
/// </summary>
public sealed class BlockServer : IAsyncDisposable
{
    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan AcceptRetry = TimeSpan.FromMilliseconds(100);

    // Ensure and Pin run here: the store's index and a few stack buffers, no recursion.
    private const int ConnectionStackBytes = 512 * 1024;
    private const string UnixPeer = "unix";

    private readonly ServerContext _context;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly ConnectionTable _table;
    private readonly List<ServerConnection> _watched = [];
    private readonly List<StreamSocket> _listeners = [];
    private readonly ManualResetEventSlim _stopRequested = new();
    private readonly TaskCompletionSource _allEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _threads = 1; // The server itself; taken off by the stop.
    private ConnectionThreads? _connectionThreads;
    private ITimer? _watchdog;
    private int _watching;
    private Task? _stop;

    /// <summary>A server that does not listen yet.</summary>
    public BlockServer(BlockServerOptions options, IBlockService service, ILogger<BlockServer> logger, TimeProvider time)
    {
        _logger = logger;
        Metrics = new BlockServerMetrics();
        _context = new ServerContext(options, service, Metrics, new ServerLog(logger, time), time);
        _table = new ConnectionTable(options);
        Endpoint = new DataEndpoint(options.Host, options.Port, options.SocketPath);
    }

    /// <summary>Where it serves; the port is the real one after <see cref="Start"/>.</summary>
    public DataEndpoint Endpoint { get; private set; }

    /// <summary>What it counts.</summary>
    public BlockServerMetrics Metrics { get; }

    /// <summary>Buffers that hold bytes read past the store.</summary>
    internal int ReadThroughBuffersInUse => _context.Options.ReadThroughBuffers - _context.ReadThroughBudget.CurrentCount;

    /// <summary>Listens and serves until stopped.</summary>
    /// <exception cref="DataPlaneListenException">It may not or cannot listen there.</exception>
    public void Start()
    {
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException("the block server speaks Linux");
        }

        var options = _context.Options;
        _context.Certificate = LoadCertificate();
        var threads = new ConnectionThreads(_context, _table, StartThread);
        StreamSocket? tcp = null, unix;
        try
        {
            tcp = BlockListener.ListenTcp(options);
            unix = options.SocketPath is null ? null : BlockListener.ListenUnix(options.SocketPath);
        }
        catch (DataPlaneListenException)
        {
            tcp?.Dispose();
            threads.Dispose();
            throw;
        }

        Endpoint = Endpoint with { Port = tcp.LocalEndPoint.Port };
        _connectionThreads = threads;
        StartThread(_connectionThreads.Poll, "idle connections");
        _watchdog = _context.Time.CreateTimer(_ => Watch(), null, WatchInterval, WatchInterval);
        Listen(tcp, string.Create(CultureInfo.InvariantCulture, $"{options.Host}:{Endpoint.Port}"), isUnix: false);
        if (unix is not null)
        {
            Listen(unix, options.SocketPath!, isUnix: true);
        }
    }

    /// <summary>
    /// Stops: no new connections, answers being sent may finish, requests that wait are given up. Takes no longer than
    /// <see cref="BlockServerOptions.StopTimeout"/>.
    /// </summary>
    public Task StopAsync()
    {
        lock (_gate)
        {
            return _stop ??= StopOnceAsync();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    private RotatedFiles<ServerCertificate>? LoadCertificate()
    {
        try
        {
            return _context.Options.Certificate is { } files ? ServerCertificate.Load(files, _logger, _context.Time) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new DataPlaneListenException(
                DataPlaneListenError.Certificate, $"cannot serve blocks over TLS: {exception.Message}", exception);
        }
    }

    private void Listen(StreamSocket listener, string where, bool isUnix)
    {
        lock (_gate)
        {
            _listeners.Add(listener);
        }

        StartThread(() => AcceptLoop(listener, where, isUnix), $"accept {where}");
        _context.Log.Listening(where);
    }

    private void AcceptLoop(StreamSocket listener, string where, bool isUnix)
    {
        while (!_stopRequested.IsSet)
        {
            if (listener.Accept() is not var (socket, peer))
            {
                // Out of descriptors or memory passes; a shut down listener ends the loop.
                var errno = StreamSocket.LastErrno;
                if (!_stopRequested.IsSet && errno != Errno.ConnectionAborted)
                {
                    _context.Log.AcceptFailed(where, errno.ToString());
                    _stopRequested.Wait(AcceptRetry);
                }

                continue;
            }

            Admit(socket, isUnix ? UnixPeer : peer?.ToString() ?? IPAddress.None.ToString(), isUnix);
        }
    }

    private void Admit(StreamSocket socket, string peer, bool isUnix)
    {
        var connection = new ServerConnection(_context, socket, peer, isUnix);
        if (!_table.TryAdd(connection))
        {
            new HandshakeChannel(new PlainWire(socket)).Refuse(HandshakeRefusal.TooManyConnections);
            Metrics.OnRefused(HandshakeRefusal.TooManyConnections);
            _context.Log.Refused(peer, HandshakeRefusal.TooManyConnections);
            connection.Dispose();
            return;
        }

        Metrics.OnAccepted();
        try
        {
            if (isUnix)
            {
                socket.TuneUnix();
            }
            else
            {
                socket.TuneTcp();
            }

            _connectionThreads!.Add(connection);
        }
        catch (LinuxFileException exception)
        {
            _context.Log.ConnectionFailed(exception, peer);
            _table.Remove(connection);
            Metrics.OnClosed();
            connection.Dispose();
            _connectionThreads!.Wake();
        }
    }

    private void StartThread(Action body, string name)
    {
        var thread = new Thread(
            () =>
            {
                try
                {
                    body();
                }
                finally
                {
                    OnThreadEnded();
                }
            },
            ConnectionStackBytes)
        {
            IsBackground = true,
            Name = name,
        };
        Interlocked.Increment(ref _threads);
        try
        {
            thread.Start();
        }
        catch
        {
            OnThreadEnded();
            throw;
        }
    }

    private void OnThreadEnded()
    {
        if (Interlocked.Decrement(ref _threads) == 0)
        {
            _allEnded.TrySetResult();
        }
    }

    private void Watch()
    {
        if (Interlocked.Exchange(ref _watching, 1) != 0)
        {
            return; // The last visit is not over yet.
        }

        try
        {
            _connectionThreads!.StartMissing();
            _table.CopyTo(_watched);
            foreach (var connection in _watched)
            {
                connection.CheckLimits();
            }
        }
        finally
        {
            _watched.Clear();
            Volatile.Write(ref _watching, 0);
        }
    }

    private void ForAll(Action<ServerConnection> act)
    {
        var connections = new List<ServerConnection>();
        _table.CopyTo(connections);
        connections.ForEach(act);
    }

    private async Task StopOnceAsync()
    {
        // Leave the caller's lock before anything waits.
        await Task.Yield();
        _stopRequested.Set();
        lock (_gate)
        {
            _listeners.ForEach(static listener => listener.Shutdown());
        }

        _table.Close();
        ForAll(static connection => connection.Stop());
        _connectionThreads?.Wake();
        OnThreadEnded();
        var half = _context.Options.StopTimeout / 2;
        if (!await EndedWithinAsync(half).ConfigureAwait(false))
        {
            ForAll(static connection => connection.Abort());
            if (!await EndedWithinAsync(half).ConfigureAwait(false))
            {
                _context.Log.StopIncomplete(Volatile.Read(ref _threads), _context.Options.StopTimeout);
            }
        }

        Release();
    }

    private async Task<bool> EndedWithinAsync(TimeSpan limit)
    {
        try
        {
            await _allEnded.Task.WaitAsync(limit, _context.Time).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private void Release()
    {
        _watchdog?.Dispose();
        if (_allEnded.Task.IsCompleted)
        {
            _connectionThreads?.Dispose();
        }

        _listeners.ForEach(static listener => listener.Dispose());
        if (_context.Options.SocketPath is { } path && _listeners.Count > 1)
        {
            File.Delete(path);
        }
    }
}
