namespace Orleans.Runtime;

/// <summary>From the first call to the last: read state, activate, deactivate, hand on what still waits.</summary>
internal sealed partial class Activation
{
    /// <summary>Starts activating; requests wait meanwhile.</summary>
    public void Start() => _scheduler.Start(static self => _ = ((Activation)self!).ActivateAsync(), this);

    public void Deactivate(DeactivationReason deactivationReason, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (_state >= ActivationState.Deactivating)
            {
                return;
            }

            _reason = deactivationReason;
            if (_state == ActivationState.Activating)
            {
                return; // ActivateAsync looks at the reason when it is done.
            }

            _state = ActivationState.Deactivating;
            SchedulePump();
        }
    }

    /// <summary>An ETag conflict that escapes ends the activation whose state it is about, and only that one.</summary>
    public void DeactivateOnConflict(Exception exception)
    {
        if (exception is InconsistentStateException { IsSourceActivation: true } conflict)
        {
            conflict.IsSourceActivation = false;
            Deactivate(new DeactivationReason(
                DeactivationReasonCode.ApplicationError, exception, "Its state is not the stored one."));
        }
    }

    /// <summary>Deactivates if nobody used the grain for its collection age.</summary>
    public bool DeactivateIfIdle(TimeSpan age)
    {
        lock (_gate)
        {
            var now = Time.GetTimestamp();
            if (_state != ActivationState.Valid || !_queue.IsIdle || now < _keepUntil
                || Time.GetElapsedTime(_idleSince, now) < age)
            {
                return false;
            }
        }

        Deactivate(new DeactivationReason(DeactivationReasonCode.ActivationIdle, $"Idle for {age}."));
        return true;
    }

    private async Task ActivateAsync()
    {
        var limit = _catalog.ActivationTimeout;
        using var timeout = new CancellationTokenSource(limit, Time);
        try
        {
            GrainInstance = Class.Create(this);
            await ReadAndActivateAsync(timeout.Token).WaitAsync(timeout.Token);
        }
        catch (Exception exception)
        {
            var reason = exception is OperationCanceledException && timeout.IsCancellationRequested
                ? new TimeoutException($"Grain {GrainId} did not activate within {limit} (state and OnActivateAsync).")
                : exception;
            LogActivationFailed(Logger, reason, GrainId);
            _reason =
                new DeactivationReason(DeactivationReasonCode.ActivationFailed, reason, "It could not be activated.");
            await ReleaseAsync(reason);
            return;
        }

        lock (_gate)
        {
            _state = _reason.ReasonCode == DeactivationReasonCode.None
                ? ActivationState.Valid
                : ActivationState.Deactivating;
            _idleSince = Time.GetTimestamp();
            SchedulePump();
        }
    }

    private async Task ReadAndActivateAsync(CancellationToken cancellationToken)
    {
        foreach (var state in _states)
        {
            await state.ReadStateAsync();
        }

        if (GrainInstance is IGrainBase grain)
        {
            await grain.OnActivateAsync(cancellationToken);
        }
    }

    /// <summary>The end of an activation that was valid. No request runs any more.</summary>
    private async Task EndAsync()
    {
        var limit = _catalog.DeactivationTimeout;
        using var timeout = new CancellationTokenSource(limit, Time);
        try
        {
            RequestContext.Current = null;
            DisposeTimers();
            if (GrainInstance is IGrainBase grain)
            {
                await grain.OnDeactivateAsync(_reason, timeout.Token).WaitAsync(timeout.Token);
            }
        }
        catch (Exception exception)
        {
            LogDeactivationFailed(Logger, exception, GrainId, _reason.ToString());
        }

        await ReleaseAsync(null);
    }

    /// <summary>Frees everything and answers or hands on what waits.</summary>
    private async Task ReleaseAsync(Exception? failure)
    {
        DisposeTimers();
        try
        {
            if (GrainInstance is IAsyncDisposable asyncDisposable)
            {
                await asyncDisposable.DisposeAsync();
            }
            else
            {
                (GrainInstance as IDisposable)?.Dispose();
            }

            await _scope.DisposeAsync();
        }
        catch (Exception exception)
        {
            LogDeactivationFailed(Logger, exception, GrainId, "disposing");
        }

        List<Work> waiting;
        lock (_gate)
        {
            _state = ActivationState.Invalid;
            waiting = _queue.TakeAllWaiting();
        }

        _catalog.Remove(this);
        _deactivated.TrySetResult();
        foreach (var work in waiting)
        {
            if (failure is null && work is Request request)
            {
                _catalog.Forward(request);
            }
            else
            {
                work.Reject(failure ?? new OrleansMessageRejectionException($"Grain {GrainId} has been deactivated."));
            }
        }
    }

    private void DisposeTimers()
    {
        List<GrainTimer> timers;
        lock (_gate)
        {
            timers = [.. _timers];
        }

        timers.ForEach(timer => timer.Dispose());
    }

    [LoggerMessage(
        Level = LogLevel.Error, Message = "Activating grain {GrainId} failed; the calls that wait for it fail")]
    private static partial void LogActivationFailed(ILogger logger, Exception exception, GrainId grainId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Deactivating grain {GrainId} failed ({Reason}); it is dropped")]
    private static partial void LogDeactivationFailed(
        ILogger logger, Exception exception, GrainId grainId, string reason);
}
