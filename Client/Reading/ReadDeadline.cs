using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;

namespace OrleansCache.Reading;

/// <summary>
/// How long one reader waits, and how it paces its attempts: at once, then 20 ms doubling to half a second. Made and kept by
/// <see cref="ReadDeadlines"/>: a read of what a silo has in memory is over before a new one would be made.
/// </summary>
internal sealed class ReadDeadline : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

    private readonly ReadDeadlines _owner;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _end;
    private CancellationTokenRegistration _registration;
    private CancellationToken _caller;
    private long _started;
    private TimeSpan _pause;
    private int _pauses;
    private bool _isThreads; // The thread that waits may still know it when the reader is done: nobody else's then.

    public ReadDeadline(ReadDeadlines owner, TimeProvider time)
    {
        _owner = owner;
        _time = time;
        _end = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
    }

    /// <summary>Ends with the deadline or the caller.</summary>
    public CancellationToken Token => _end.Token;

    /// <summary>Whether it is the deadline, not the caller, that ended the wait.</summary>
    public bool IsOver => _end.IsCancellationRequested && !_caller.IsCancellationRequested;

    /// <summary>What was spent so far, the attempt under way too.</summary>
    public Effort Effort => new(_pauses + 1, _time.GetElapsedTime(_started));

    /// <summary>Starts the clock for one reader.</summary>
    public void Begin(TimeSpan deadline, CancellationToken caller)
    {
        (_caller, _started, _pause, _pauses) = (caller, _time.GetTimestamp(), TimeSpan.Zero, 0);
        _end.CancelAfter(deadline);
        _registration = caller.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), _end);
        _isThreads = SynchronousCaller.IsHere;
        if (_isThreads)
        {
            SynchronousCaller.EndAfter(deadline, _end);
        }
    }

    /// <summary>Something moved: the next attempt is made at once.</summary>
    public void Progressed() => _pause = TimeSpan.Zero;

    /// <summary>Waits before the next attempt.</summary>
    /// <exception cref="OperationCanceledException">The deadline or the caller ended the wait.</exception>
    public async ValueTask PauseAsync()
    {
        var pause = _pause;
        _pause = pause == TimeSpan.Zero ? FirstPause : pause * 2 < LongestPause ? pause * 2 : LongestPause;
        _end.Token.ThrowIfCancellationRequested();
        if (pause > TimeSpan.Zero)
        {
            await SynchronousCaller.PauseAsync(pause, _time, _end.Token).ConfigureAwait(false);
        }

        _pauses++; // A pause that ends is followed by an attempt.
    }

    /// <summary>Whether another attempt cannot end differently.</summary>
    public static bool IsFinal(ReadStatus status) => status
        is ReadStatus.StaleVersion or ReadStatus.AccessDenied or ReadStatus.NotFound
        or ReadStatus.InvalidRequest or ReadStatus.NotSupported or ReadStatus.IsADirectory or ReadStatus.NotADirectory;

    /// <summary>What a wait that ended without success is called: the last obstacle when it has a name of its own.</summary>
    public static ReadStatus Outcome(ReadStatus last) =>
        last is ReadStatus.DeadlineExceeded or ReadStatus.Ok ? ReadStatus.DeadlineExceeded : ReadStatus.Unavailable;

    /// <summary>The reader is done.</summary>
    public void Dispose()
    {
        // Waits for a callback that is running, so that none ends the next reader's wait.
        _registration.Dispose();
        (_registration, _caller) = (default, default);
        if (_isThreads || !_end.TryReset() || !_owner.TryKeep(this))
        {
            _end.Dispose();
        }
    }
}
