namespace Orleans.Runtime;

/// <summary>A timer whose callbacks are requests of the activation. The next firing is armed at the end of a callback,
/// so callbacks never overlap. A change or dispose during a callback wins over the re-arming.</summary>
internal sealed partial class GrainTimer : Work, IGrainTimer
{
    private readonly Activation _activation;
    private readonly Func<CancellationToken, Task> _callback;
    private readonly GrainTimerCreationOptions _options;
    private readonly CancellationTokenSource _cancellation = new();
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private TimeSpan _period;
    private bool _firing;
    private bool _changed;
    private bool _missed;
    private bool _disposed;

    public GrainTimer(Activation activation, Func<CancellationToken, Task> callback, GrainTimerCreationOptions options)
    {
        Check(options.DueTime, options.Period);
        _activation = activation;
        _callback = callback;
        _options = options;
        _period = options.Period;
        _timer = activation.Time.CreateTimer(
            static timer => ((GrainTimer)timer!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(options.DueTime, Timeout.InfiniteTimeSpan);
    }

    public override bool IsReadOnly => false;
    public override bool IsAlwaysInterleave => _options.Interleave;
    public override bool KeepsAlive => _options.KeepAlive;
    public override string Name => "timer " + _callback.Method.Name;

    public void Change(TimeSpan dueTime, TimeSpan period)
    {
        Check(dueTime, period);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _period = period;
            _changed = true;
            _timer.Change(dueTime, Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        _timer.Dispose();
        _ = _cancellation.CancelAsync();
        _activation.RemoveTimer(this);
    }

    public override async Task RunAsync(Activation activation)
    {
        try
        {
            RequestContext.Current = null;
            if (!_cancellation.IsCancellationRequested)
            {
                await _callback(_cancellation.Token);
            }
        }
        catch (Exception exception)
        {
            activation.DeactivateOnConflict(exception);
            LogFailed(_activation.Logger, exception, Name, _activation.GrainId);
        }
        finally
        {
            Rearm();
            activation.Finish(this);
        }
    }

    public override void Reject(Exception exception) => Dispose();

    private static void Check(TimeSpan dueTime, TimeSpan period)
    {
        if ((dueTime < TimeSpan.Zero && dueTime != Timeout.InfiniteTimeSpan)
            || (period < TimeSpan.Zero && period != Timeout.InfiniteTimeSpan))
        {
            throw new ArgumentOutOfRangeException(
                nameof(dueTime), $"A timer's times are positive or infinite, not {dueTime} and {period}.");
        }
    }

    private void Fire()
    {
        lock (_gate)
        {
            if (_disposed || _firing)
            {
                _missed = true; // A change during a callback made it due already: the end of the callback fires it.
                return;
            }

            _firing = true;
            _changed = false;
        }

        if (!_activation.TryAdd(this))
        {
            Dispose();
        }
    }

    private void Rearm()
    {
        lock (_gate)
        {
            _firing = false;
            if (!_disposed && (!_changed || _missed))
            {
                _timer.Change(_missed ? TimeSpan.Zero : _period, Timeout.InfiniteTimeSpan);
                _missed = false;
            }
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "{Timer} of grain {GrainId} failed; it fires again after its period")]
    private static partial void LogFailed(ILogger logger, Exception exception, string timer, GrainId grainId);
}
