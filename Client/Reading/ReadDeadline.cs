using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;

namespace OrleansCache.Reading;

/// <summary>How long one reader waits, and how it paces its attempts: at once, then 20 ms doubling to half a second.</summary>
internal sealed class ReadDeadline : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _timeout;
    private readonly CancellationTokenSource _both;
    private readonly CancellationToken _caller;
    private readonly long _started;
    private TimeSpan _pause;
    private int _pauses;

    public ReadDeadline(TimeSpan deadline, TimeProvider time, CancellationToken caller)
    {
        _time = time;
        _caller = caller;
        _started = time.GetTimestamp();
        _timeout = new CancellationTokenSource(deadline, time);
        _both = CancellationTokenSource.CreateLinkedTokenSource(_timeout.Token, caller);
        if (SynchronousCaller.IsHere)
        {
            SynchronousCaller.EndAfter(deadline, _timeout);
        }
    }

    /// <summary>Ends with the deadline or the caller.</summary>
    public CancellationToken Token => _both.Token;

    /// <summary>Whether it is the deadline, not the caller, that ended the wait.</summary>
    public bool IsOver => _timeout.IsCancellationRequested && !_caller.IsCancellationRequested;

    /// <summary>What was spent so far, the attempt under way too.</summary>
    public Effort Effort => new(_pauses + 1, _time.GetElapsedTime(_started));

    /// <summary>Something moved: the next attempt is made at once.</summary>
    public void Progressed() => _pause = TimeSpan.Zero;

    /// <summary>Waits before the next attempt.</summary>
    /// <exception cref="OperationCanceledException">The deadline or the caller ended the wait.</exception>
    public async ValueTask PauseAsync()
    {
        var pause = _pause;
        _pause = pause == TimeSpan.Zero ? FirstPause : pause * 2 < LongestPause ? pause * 2 : LongestPause;
        _both.Token.ThrowIfCancellationRequested();
        if (pause > TimeSpan.Zero)
        {
            await SynchronousCaller.PauseAsync(pause, _time, _both.Token).ConfigureAwait(false);
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

    /// <inheritdoc/>
    public void Dispose()
    {
        _both.Dispose();
        _timeout.Dispose();
    }
}
