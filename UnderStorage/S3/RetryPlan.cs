namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// How often and when one request is tried again: exponential pauses with full jitter, so that callers who failed together do not
/// come back together. What bounds it is the caller's token; the two limits here are for callers without one.
/// </summary>
/// <param name="random">The dice.</param>
internal struct RetryPlan(Random random)
{
    /// <summary>Most attempts: about two minutes of a store that refuses at once.</summary>
    public const int MaxAttempts = 64;

    /// <summary>Longest mean pause is half of it: the circuit of the gate, not this, keeps a dead store from being asked.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(4);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private bool _refreshed;
    private int _failures;

    /// <summary>What to do after a failure.</summary>
    /// <param name="verdict">How the attempt ended.</param>
    /// <param name="refresh">Asked once when the store refused our credentials: whether there may be others now.</param>
    /// <returns>How long to wait before the next attempt; null = no more.</returns>
    public TimeSpan? Next(S3Verdict verdict, Func<bool> refresh)
    {
        _failures++;
        if (verdict == S3Verdict.BadCredentials)
        {
            var again = !_refreshed && refresh();
            _refreshed = true;
            return again ? TimeSpan.Zero : null;
        }

        if (verdict is not (S3Verdict.Throttled or S3Verdict.Failed or S3Verdict.Unreachable) || _failures >= MaxAttempts)
        {
            return null;
        }

        var most = Math.Min(LongestPause.TotalMilliseconds, FirstPause.TotalMilliseconds * Math.Pow(2, Math.Min(_failures, 20) - 1));
        return TimeSpan.FromMilliseconds(most * random.NextDouble());
    }

    /// <summary>Bytes arrived: what failed before is past.</summary>
    public void Progressed() => _failures = Math.Min(_failures, 1);
}
