namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// Whether the store is there at all. After some failures without a success between them it counts as away: then one request at a
/// time finds out whether it is back, with growing, jittered pauses, and everybody else waits. Not thread-safe.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="random">The dice.</param>
internal sealed class Circuit(TimeProvider time, Random random)
{
    /// <summary>One object that always fails does not close the store to others unless nothing else succeeds.</summary>
    public const int FailuresToOpen = 5;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);
    private int _failures;
    private TimeSpan _pause;
    private TimeSpan _wait;
    private long _failedAt;

    /// <summary>Whether the store counts as away.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>While open: how long until the next request may find out; zero = now.</summary>
    public TimeSpan Wait()
    {
        var left = _wait - time.GetElapsedTime(_failedAt);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>A request was answered.</summary>
    /// <returns>Whether the store is back with it.</returns>
    public bool Succeeded()
    {
        _failures = 0;
        var was = IsOpen;
        IsOpen = false;
        return was;
    }

    /// <summary>A request failed.</summary>
    /// <param name="wasProbe">Whether it was one that was to find out.</param>
    /// <returns>Whether the store counts as away since now.</returns>
    public bool Failed(bool wasProbe)
    {
        _failures++;
        if (!IsOpen && _failures >= FailuresToOpen)
        {
            IsOpen = true;
            _pause = FirstPause;
            PauseFrom(time.GetTimestamp());
            return true;
        }

        if (IsOpen && wasProbe)
        {
            _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
            PauseFrom(time.GetTimestamp());
        }

        return false;
    }

    private void PauseFrom(long now)
    {
        _failedAt = now;
        _wait = _pause * (0.5 + (random.NextDouble() / 2));
    }
}
