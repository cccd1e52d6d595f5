namespace Orleans.Runtime.Messaging;

/// <summary>Listens for clients of this machine and keeps their connections in bounds.</summary>
internal sealed partial class Gateway(GatewayServices services, IOptions<EndpointOptions> options) : IAsyncDisposable
{
    /// <summary>A machine has tens of mounts and tools, not thousands; each connection costs 128 KiB of
    /// buffers.</summary>
    private const int MaxConnections = 1000;

    private static readonly TimeSpan CheckEvery = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<GatewayConnection, bool> _connections = new();
    private readonly CancellationTokenSource _stopping = new();
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;
    private ITimer? _checker;

    public void Start()
    {
        if (options.Value.GatewayPort == 0)
        {
            return;
        }

        var endpoint = new IPEndPoint(
            options.Value.AdvertisedIPAddress ?? IPAddress.Loopback, options.Value.GatewayPort);
        if (!IPAddress.IsLoopback(endpoint.Address))
        {
            throw new OrleansConfigurationException(
                $"The gateway was told to listen on {endpoint}. Orleans.Lite listens on loopback only: other "
                + "addresses need a cluster secret, which comes with the clustered engine.");
        }

        Listen(endpoint);
        _accepting = Task.Run(() => AcceptAsync(_listener!)); // Without the starter's synchronization context.
        var every =
            TimeSpan.FromTicks(Math.Min(CheckEvery.Ticks, services.Connection.Value.OpenConnectionTimeout.Ticks / 2));
        _checker = services.Time.CreateTimer(static self => ((Gateway)self!).Check(), this, every, every);
        LogListening(services.Logger, endpoint);
    }

    /// <summary>Takes no more clients and no more requests, but answers still go out.</summary>
    public void StopAccepting()
    {
        _stopping.Cancel();
        _listener?.Dispose();
    }

    /// <summary>Says goodbye and closes the connections.</summary>
    public async Task StopAsync()
    {
        StopAccepting();
        await _accepting;
        var all = _connections.Keys.ToList();
        await Task.WhenAll(all.Select(each => each.SayByeAsync()));
        await Task.WhenAll(all.Select(each => each.Ended));
        _checker?.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
    }

    private void Listen(IPEndPoint endpoint)
    {
        _listener = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            _listener.Bind(endpoint);
            _listener.Listen(512);
        }
        catch (SocketException exception)
        {
            _listener.Dispose();
            throw new OrleansConfigurationException(
                $"The gateway cannot listen on {endpoint}: {exception.Message}. Is another silo running? Choose "
                + $"another port.",
                exception);
        }
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                Take(await listener.AcceptAsync(_stopping.Token));
            }
            catch (Exception exception) when (_stopping.IsCancellationRequested
                && exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException exception)
            {
                // Out of descriptors, most likely: take a breath, the ones we have go on.
                LogAcceptFailed(services.Logger, exception);
                await Task.Delay(CheckEvery, services.Time, CancellationToken.None);
            }
        }
    }

    private void Take(Socket socket)
    {
        if (_connections.Count >= MaxConnections)
        {
            LogTooMany(services.Logger, MaxConnections);
            socket.Dispose();
            return;
        }

        GatewayConnection connection;
        try
        {
            connection = new GatewayConnection(socket, services);
        }
        catch (SocketException)
        {
            socket.Dispose(); // It hung up before we looked at it.
            return;
        }

        _connections[connection] = true;
        _ = ServeAsync(connection);
    }

    private async Task ServeAsync(GatewayConnection connection)
    {
        await connection.ReceiveAsync();
        _connections.TryRemove(connection, out _);
        connection.Dispose();
    }

    private void Check()
    {
        foreach (var (connection, _) in _connections)
        {
            connection.Check();
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Gateway listens on {Endpoint}")]
    private static partial void LogListening(ILogger logger, IPEndPoint endpoint);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Accepting a client failed")]
    private static partial void LogAcceptFailed(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A client was refused: {Limit} are connected")]
    private static partial void LogTooMany(ILogger logger, int limit);
}

/// <summary>What a gateway's connections share.</summary>
internal sealed record GatewayServices(
    MessageRouter Router, Manifest Manifest, CodecProvider Codecs, CallRuntime Calls, TimeProvider Time,
    ILogger<Gateway> Logger, ILocalSiloDetails Silo, IOptions<ClusterOptions> Cluster,
    IOptions<ConnectionOptions> Connection, IOptions<SiloMessagingOptions> Messaging);
