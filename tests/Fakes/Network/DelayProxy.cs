using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace OrleansCache.Fakes.Network;

/// <summary>
/// A TCP proxy on a random loopback port that is as far away and as narrow as it is told: a fixed delay each way, a rate
/// that all connections share. Cuts, refuses and freezes on command. Thread-safe.
/// </summary>
public sealed class DelayProxy : IAsyncDisposable
{
    private const int Backlog = 512;
    private readonly ConcurrentDictionary<ProxiedConnection, Task> _connections = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly AlarmClock _clock = new();
    private readonly DelayProxyOptions _options;
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;
    private TaskCompletionSource _flow = Done();
    private long _roundTripTicks;
    private long _accepted;

    private DelayProxy(DelayProxyOptions options)
    {
        _options = options;
        RoundTrip = options.RoundTrip;
        (Up.BytesPerSecond, Down.BytesPerSecond) = (options.UpBytesPerSecond, options.DownBytesPerSecond);
        EndPoint = new IPEndPoint(IPAddress.Loopback, 0);
        Listen();
    }

    /// <summary>Where to connect to.</summary>
    public IPEndPoint EndPoint { get; private set; }

    /// <summary>Connections taken so far.</summary>
    public long Connections => Interlocked.Read(ref _accepted);

    /// <summary>Connections open now.</summary>
    public int OpenConnections => _connections.Count;

    /// <summary>Bytes that went towards clients.</summary>
    public long BytesDown => Down.Bytes;

    /// <summary>Bytes that went towards the target.</summary>
    public long BytesUp => Up.Bytes;

    /// <summary>How long a round trip takes from now on.</summary>
    public TimeSpan RoundTrip
    {
        get => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref _roundTripTicks));
        set => Interlocked.Exchange(ref _roundTripTicks, (long)(value.TotalSeconds * Stopwatch.Frequency));
    }

    /// <summary>Bytes a second towards all clients from now on.</summary>
    public long? DownBytesPerSecond
    {
        get => Down.BytesPerSecond;
        set => Down.BytesPerSecond = value;
    }

    internal Link Up { get; } = new();

    internal Link Down { get; } = new();

    internal AlarmClock Clock => _clock;

    internal long RoundTripTicks => Interlocked.Read(ref _roundTripTicks);

    internal int WindowBytes => _options.WindowBytes;

    /// <summary>Completed while bytes flow.</summary>
    internal Task Flow => _flow.Task;

    internal CancellationToken Ended => _ended.Token;

    /// <summary>Starts one.</summary>
    public static DelayProxy Start(DelayProxyOptions options) => new(options);

    /// <summary>The same address with this proxy's port.</summary>
    public Uri Through(Uri target) => new UriBuilder(target) { Host = "127.0.0.1", Port = EndPoint.Port }.Uri;

    /// <summary>Resets all connections.</summary>
    public void Cut()
    {
        foreach (var connection in _connections.Keys)
        {
            connection.Cut();
        }
    }

    /// <summary>Refuses new connections; those that are open stay.</summary>
    public async Task RefuseAsync()
    {
        _listener?.Dispose();
        _listener = null;
        await _accepting.ConfigureAwait(false);
    }

    /// <summary>Takes connections again, on the same port.</summary>
    public void Accept()
    {
        if (_listener is null)
        {
            Listen();
        }
    }

    /// <summary>Nothing passes any more; connections stay open and new ones are taken.</summary>
    public void Freeze()
    {
        if (_flow.Task.IsCompleted)
        {
            _flow = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Everything passes again, first what was held back.</summary>
    public void Thaw() => _flow.TrySetResult();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync().ConfigureAwait(false);
        await RefuseAsync().ConfigureAwait(false);
        Cut();
        Thaw();
        _clock.Dispose();
        await Task.WhenAll(_connections.Values).ConfigureAwait(false);
        _ended.Dispose();
    }

    private static TaskCompletionSource Done()
    {
        var done = new TaskCompletionSource();
        done.SetResult();
        return done;
    }

    private void Listen()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(EndPoint);
        listener.Listen(Backlog);
        EndPoint = (IPEndPoint)listener.LocalEndPoint!;
        _listener = listener;
        _accepting = AcceptAsync(listener);
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await listener.AcceptAsync(_ended.Token).ConfigureAwait(false);
            }
            catch (Exception over) when (over is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return; // Refusing, or ended.
            }

            Interlocked.Increment(ref _accepted);
            var connection = new ProxiedConnection(this, client);
            var run = new TaskCompletionSource();
            _connections[connection] = run.Task;
            _ = ServeAsync(connection, run);
        }
    }

    private async Task ServeAsync(ProxiedConnection connection, TaskCompletionSource run)
    {
        await connection.RunAsync(_options.Target).ConfigureAwait(false);
        _connections.TryRemove(connection, out _);
        run.SetResult();
    }
}
