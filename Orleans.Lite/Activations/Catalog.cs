namespace Orleans.Runtime;

/// <summary>The activations of this silo. At most one per grain: an entry stays until its activation has ended, and
/// requests that come meanwhile wait in it and are then forwarded.</summary>
internal sealed partial class Catalog(
    IServiceProvider services, Manifest manifest, RequestInvoker invoker, TimeProvider time,
    IOptions<GrainCollectionOptions> collection, IOptions<SiloMessagingOptions> messaging,
    IOptions<SchedulingOptions> scheduling, ILogger<Catalog> logger) : IDisposable
{
    /// <summary>A request that finds a dying activation so often is refused: something keeps killing the
    /// grain.</summary>
    private const int MaxForwards = 10;
    private readonly ConcurrentDictionary<GrainId, Activation> _activations = new();
    private readonly GrainCollectionOptions _collection = collection.Value;
    private readonly Lazy<MessageRouter> _router = new(services.GetRequiredService<MessageRouter>);
    private ITimer? _collector;
    private volatile bool _stopping;

    public IServiceProvider Services => services;
    public RequestInvoker Invoker => invoker;
    public TimeProvider Time => time;
    public ILogger Logger => logger;
    public Shuffler? Shuffler { get; } = scheduling.Value.ShuffleSeed is { } seed ? new Shuffler(seed) : null;
    public int QueueLimit { get; } = messaging.Value.MaxEnqueuedRequestsHardLimit is > 0 and var limit
        ? limit
        : SchedulingOptions.DefaultQueueLimit;
    public TimeSpan ActivationTimeout => _collection.ActivationTimeout;
    public TimeSpan DeactivationTimeout => _collection.DeactivationTimeout;

    public void Start()
    {
        if (Shuffler is not null)
        {
            LogShuffling(Logger, Shuffler.Seed, SchedulingOptions.ShuffleVariable);
        }

        _collector = Time.CreateTimer(static self =>
                ((Catalog)self!).Collect(), this, _collection.CollectionQuantum, _collection.CollectionQuantum);
    }

    /// <summary>Deactivates everything and waits for it, each grain for the deactivation timeout at most.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _stopping = true;
        _collector?.Dispose();
        var all = _activations.Values.ToList();
        foreach (var activation in all)
        {
            activation.Deactivate(
                new DeactivationReason(DeactivationReasonCode.ShuttingDown, "The silo stops."), CancellationToken.None);
        }

        try
        {
            await Task.WhenAll(all.Select(activation => activation.Deactivated))
                .WaitAsync(DeactivationTimeout, Time, cancellationToken);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            LogStuck(Logger, all.Count(activation => !activation.Deactivated.IsCompleted), DeactivationTimeout);
        }
    }

    /// <summary>Gives a request to the grain's activation, which it makes if there is none.</summary>
    public void Deliver(Request request)
    {
        while (true)
        {
            if (!_activations.TryGetValue(request.Target, out var activation))
            {
                activation = TryCreate(request);
                if (activation is null)
                {
                    return;
                }
            }

            if (activation.TryAdd(request))
            {
                return;
            }

            Remove(activation);
        }
    }

    /// <summary>Sends a request on whose activation ended before it ran.</summary>
    public void Forward(Request request)
    {
        if (++request.Forwards > MaxForwards)
        {
            request.Reject(new OrleansMessageRejectionException(
                $"{request.Name} was not run: grain {request.Target} was deactivated {MaxForwards} times before "
                + $"it could."));
            return;
        }

        _router.Value.Deliver(request);
    }

    public void Remove(Activation activation) =>
        _activations.TryRemove(new KeyValuePair<GrainId, Activation>(activation.GrainId, activation));

    public bool TryGet(GrainId grainId, out Activation activation) =>
        _activations.TryGetValue(grainId, out activation!);

    public void Collect()
    {
        foreach (var (_, activation) in _activations)
        {
            var age = activation.Class.CollectionAge ?? _collection.CollectionAge;
            if (age != Timeout.InfiniteTimeSpan)
            {
                activation.DeactivateIfIdle(age);
            }
        }
    }

    public void Dispose() => _collector?.Dispose();

    private Activation? TryCreate(Request request)
    {
        if (_stopping)
        {
            request.Reject(new SiloUnavailableException(
                $"{request.Name} was not run: the silo stops and activates grain {request.Target} no more."));
            return null;
        }

        if (!manifest.TryGetClass(request.Target.Type, out var grainClass))
        {
            request.Reject(new OrleansMessageRejectionException(
                $"{request.Name} was not run: this silo has no grain class for type '{request.Target.Type}'."));
            return null;
        }

        if (!request.Method.Interface.IsAssignableFrom(grainClass.Type))
        {
            request.Reject(new OrleansMessageRejectionException(
                $"{request.Name} was not run: {grainClass.Type} does not implement {request.Method.Interface}."));
            return null;
        }

        var made = new Activation(request.Target, grainClass, this);
        var winner = _activations.GetOrAdd(request.Target, made);
        if (ReferenceEquals(winner, made))
        {
            made.Start();
        }

        return winner;
    }

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "Requests are shuffled with seed {Seed}; {Variable}={Seed} repeats it")]
    private static partial void LogShuffling(ILogger logger, int seed, string variable);

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "{Count} grains were still busy {Timeout} after the silo began to stop")]
    private static partial void LogStuck(ILogger logger, int count, TimeSpan timeout);
}
