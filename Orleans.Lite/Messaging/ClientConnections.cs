namespace Orleans.Runtime.Messaging;

/// <summary>The client's way to the cluster: one connection to one of the known gateways, replaced when it is lost.
/// Calls in flight on a lost connection fail (their outcome is unknown); calls that come while there is none wait a
/// bounded time.</summary>
internal sealed partial class ClientConnections(
    Lazy<CallRuntime> calls, CodecProvider codecs, IOptions<ConnectionOptions> options,
    IOptions<ClusterOptions> cluster, IOptions<GatewayList> gateways, IOptions<ClientMessagingOptions> messaging,
    TimeProvider time, ILogger<ClientConnections> logger, IEnumerable<ConnectionRetryFilter> retryFilters)
    : IRequestRouter, IGrainTypeResolver, IAsyncDisposable
{
    private static readonly TimeSpan CheckEvery = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConnectionOptions _options = options.Value;
    private readonly IReadOnlyList<IPEndPoint> _gateways = gateways.Value.Gateways;
    private readonly Hello _hello = Hello.Of(cluster.Value);
    private readonly ConnectionRetryFilter? _retryFilter = retryFilters.LastOrDefault();
    private TaskCompletionSource<ClientConnection> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile ClientConnection? _current;
    private volatile Dictionary<string, GrainType>? _grainTypes;
    private Task _connecting = Task.CompletedTask;
    private ITimer? _checker;
    private string _lastProblem = "not started";

    public CodecProvider Codecs => codecs;
    public MessageLimits Limits { get; } = MessageLimits.Of(messaging.Value);
    /// <summary>Null until started.</summary>
    public PendingCalls? Pending { get; private set; }

    /// <summary>Connects for the first time; gives up unless the retry filter wants to go on.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (_gateways.Count == 0)
        {
            throw new OrleansConfigurationException(
                "The client has no gateway: say UseLocalhostClustering or UseStaticClustering.");
        }

        Pending = calls.Value.Pending;
        while (true)
        {
            try
            {
                await ConnectOnceAsync(cancellationToken);
                _checker = time.CreateTimer(
                    static self => ((ClientConnections)self!)._current?.Check(), this, CheckEvery, CheckEvery);
                return;
            }
            catch (ConnectionFailedException exception) when (_retryFilter is not null)
            {
                if (!await _retryFilter.Ask(exception, cancellationToken))
                {
                    throw;
                }
            }

            await Task.Delay(_options.ConnectionRetryDelay, time, cancellationToken);
        }
    }

    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        _checker?.Dispose();
        if (_current is { } connection)
        {
            connection.Post(FrameKind.Bye);
            await connection.DrainAsync(CheckEvery);
            connection.Close(new OperationCanceledException("The client stops."));
        }

        await _connecting;
        Pending?.FailAll(null, static call => new OperationCanceledException(
            $"The client stopped while {call.Request.Name} of grain {call.Request.Target} was in flight."));
    }

    public async ValueTask DisposeAsync()
    {
        if (!_stopping.IsCancellationRequested)
        {
            await StopAsync();
        }

        _stopping.Dispose();
    }

    public GrainType Resolve(InterfaceDescriptor description)
    {
        var types = _grainTypes ?? throw new InvalidOperationException(
            "The client is not connected yet: start its host before asking for grains.");
        return types.TryGetValue(description.Name, out var type) ? type : throw new ArgumentException(
                $"The silo hosts no grain class for {description.Type} ('{description.Name}').");
    }

    /// <summary>Called once per connection that ended.</summary>
    public void OnLost(ClientConnection connection, Exception reason)
    {
        lock (_gate)
        {
            _lastProblem = reason.Message;
            if (!ReferenceEquals(_current, connection))
            {
                return; // It never got through the handshake.
            }

            _current = null;
            _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
            if (!_stopping.IsCancellationRequested)
            {
                LogLost(logger, connection.Peer, reason.Message);
                _connecting = ReconnectAsync();
            }
        }

        Pending?.FailAll(connection, call => new SiloUnavailableException(
            $"The connection to gateway {connection.Peer} was lost while {call.Request.Name} of grain "
            + $"{call.Request.Target} was " + $"in flight ({reason.Message}). Whether it ran is unknown."));
    }

    private async Task ReconnectAsync()
    {
        await Task.Yield();
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await ConnectOnceAsync(_stopping.Token);
                return;
            }
            catch (Exception exception) when (exception is ConnectionFailedException or OperationCanceledException)
            {
                _lastProblem = exception.Message;
            }

            // Up to a fifth more, so that many clients do not come back as one.
#pragma warning disable CA5394 // Nothing secret is decided here.
            var delay = _options.ConnectionRetryDelay * (1 + (Random.Shared.NextDouble() / 5));
#pragma warning restore CA5394
            await Task.Delay(delay, time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Tries every gateway once, beginning anywhere.</summary>
    private async Task ConnectOnceAsync(CancellationToken cancellationToken)
    {
#pragma warning disable CA5394 // Nothing secret is decided here.
        var first = Random.Shared.Next(_gateways.Count);
#pragma warning restore CA5394
        var problems = new List<string>();
        Exception? last = null;
        for (var i = 0; i < _gateways.Count; i++)
        {
            var gateway = _gateways[(first + i) % _gateways.Count];
            using var timeout = new CancellationTokenSource(_options.OpenConnectionTimeout, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
            try
            {
                Adopt(await ClientConnection.OpenAsync(gateway, _hello, this, time, logger, both.Token));
                return;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                last = exception;
                problems.Add(timeout.IsCancellationRequested
                    ? $"{gateway} did not answer within {_options.OpenConnectionTimeout.TotalSeconds} s"
                    : $"{gateway}: {exception.Message}");
            }
        }

        throw new ConnectionFailedException($"No gateway could be reached: {string.Join("; ", problems)}", last);
    }

    private void Adopt(ClientConnection connection)
    {
        lock (_gate)
        {
            _grainTypes = connection.Welcome.GrainTypes;
            _current = connection;
            _connected.TrySetResult(connection);
        }

        LogConnected(logger, connection.Peer, connection.Welcome.Silo);
        if (connection.IsClosed)
        {
            OnLost(
                connection, new EndOfStreamException("The gateway closed the connection right after the handshake."));
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Connected to gateway {Gateway} of silo {Silo}")]
    private static partial void LogConnected(ILogger logger, string gateway, SiloAddress silo);

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "The connection to gateway {Gateway} was lost: {Reason}. Reconnecting")]
    private static partial void LogLost(ILogger logger, string gateway, string reason);
}
