namespace Orleans.Runtime;

/// <summary>One grain in memory: its object, its queue, its turns. Everything that touches the grain object runs on
/// <see cref="ActivationScheduler"/>, one turn at a time; the fields of this class are guarded by a lock. The only
/// foreign code that runs under it are MayInterleave predicates. The life is in Activation.Lifecycle.cs.</summary>
internal sealed partial class Activation : IGrainContext
{
    private readonly Lock _gate = new();
    private readonly Catalog _catalog;
    private readonly RequestQueue _queue;
    private readonly ActivationScheduler _scheduler;
    private readonly AsyncServiceScope _scope;
    private readonly TaskCompletionSource _deactivated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<PersistentState> _states = [];
    private readonly HashSet<GrainTimer> _timers = [];
    private ActivationState _state = ActivationState.Activating;
    private DeactivationReason _reason;
    private bool _pumping;
    private long _idleSince;
    private long _keepUntil;

    public Activation(GrainId grainId, GrainClass grainClass, Catalog catalog)
    {
        GrainId = grainId;
        Class = grainClass;
        _catalog = catalog;
        _queue = new RequestQueue(grainClass, catalog.Shuffler);
        _scheduler = new ActivationScheduler(this);
        _scope = catalog.Services.CreateAsyncScope();
        _idleSince = Time.GetTimestamp();
    }

    private enum ActivationState
    {
        Activating,
        Valid,
        Deactivating,
        Ending,
        Invalid,
    }

    public GrainId GrainId { get; }
    public GrainClass Class { get; }
    public object? GrainInstance { get; private set; }
    public IServiceProvider ActivationServices => _scope.ServiceProvider;
    public Task Deactivated => _deactivated.Task;
    public TimeProvider Time => _catalog.Time;
    public ILogger Logger => _catalog.Logger;
    public RequestInvoker Invoker => _catalog.Invoker;

    /// <summary>Queues a request. False when the activation has ended: the caller finds the next one.</summary>
    public bool TryAdd(Work work)
    {
        lock (_gate)
        {
            if (_state == ActivationState.Invalid || (work is GrainTimer && _state >= ActivationState.Deactivating))
            {
                return false;
            }

            if (_queue.Waiting < _catalog.QueueLimit)
            {
                work.Since = Time.GetTimestamp();
                _queue.Add(work);
                SchedulePump();
                return true;
            }
        }

        work.Reject(new LimitExceededException(
            $"{work.Name} was not run: {_catalog.QueueLimit} requests wait at grain {GrainId} already."));
        return true;
    }

    /// <summary>Notes the end of a request and starts what waited for it.</summary>
    public void Finish(Work work)
    {
        lock (_gate)
        {
            _queue.Finish(work);
            if (work.KeepsAlive)
            {
                _idleSince = Time.GetTimestamp();
            }

            if (_queue.Waiting > 0 || _state == ActivationState.Deactivating)
            {
                SchedulePump();
            }
        }
    }

    public PersistentState AddState(PersistentState state)
    {
        _states.Add(state);
        return state;
    }

    public IGrainTimer RegisterTimer(Func<CancellationToken, Task> callback, GrainTimerCreationOptions options)
    {
        lock (_gate)
        {
            if (_state >= ActivationState.Deactivating)
            {
                throw new InvalidOperationException($"Grain {GrainId} deactivates: it cannot register a timer.");
            }

            if (options.Interleave)
            {
                Class.AllowInterleaving();
            }

            var timer = new GrainTimer(this, callback, options);
            _timers.Add(timer);
            return timer;
        }
    }

    public void RemoveTimer(GrainTimer timer)
    {
        lock (_gate)
        {
            _timers.Remove(timer);
        }
    }

    public void DelayDeactivation(TimeSpan time)
    {
        lock (_gate)
        {
            _keepUntil = time == Timeout.InfiniteTimeSpan || time == TimeSpan.MaxValue
                ? long.MaxValue
                : time < TimeSpan.Zero ? 0 : Time.GetTimestamp() + ToTicks(time);
        }
    }

    /// <summary>What the activation does, for error texts.</summary>
    public string Describe()
    {
        lock (_gate)
        {
            var running = _queue.SnapshotRunning()
                .Select(work => $"{work.Name} for {Time.GetElapsedTime(work.Since).TotalSeconds:F1} s");
            return $"{_state}, {_queue.Waiting} waiting, running: [{string.Join(", ", running)}]";
        }
    }

    private long ToTicks(TimeSpan time) => (long)(time.TotalSeconds * Time.TimestampFrequency);

    private void SchedulePump()
    {
        if (!_pumping && _state is (ActivationState.Valid or ActivationState.Deactivating))
        {
            _pumping = true;
            _scheduler.Start(static self => ((Activation)self!).Pump(0), this);
        }
    }

    /// <summary>Starts every request that may start. Runs on the scheduler.</summary>
    private void Pump(int deferrals)
    {
        if (_catalog.Shuffler is not null && deferrals == 0)
        {
            // Shuffling only shows when requests gather: let others be queued before one is picked.
            ThreadPool.UnsafeQueueUserWorkItem(
                static self => self._scheduler.Start(static inner => ((Activation)inner!).Pump(1), self), this, false);
            return;
        }

        while (true)
        {
            Work? work = null;
            lock (_gate)
            {
                if (_state == ActivationState.Valid)
                {
                    work = TakeRunnable();
                }

                if (work is null)
                {
                    _pumping = false;
                    if (_state == ActivationState.Deactivating && _queue.Running == 0)
                    {
                        _state = ActivationState.Ending;
                        _ = EndAsync();
                    }

                    return;
                }

                work.Since = Time.GetTimestamp();
            }

            work.RunAsync(this);
        }
    }

    private Work? TakeRunnable()
    {
        try
        {
            return _queue.TakeRunnable();
        }
        catch (Exception exception)
        {
            // A MayInterleave predicate failed. Whom it was asked about is lost: all that wait are told.
            foreach (var work in _queue.TakeAllWaiting())
            {
                ThreadPool.QueueUserWorkItem(static pair => pair.work.Reject(pair.exception), (work, exception), false);
            }

            return null;
        }
    }
}
