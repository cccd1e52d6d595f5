namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// So many per second, a quarter of a second's worth at once after a pause. Who takes more than there is makes a debt that those
/// after him wait for, so a request larger than the bucket passes too. Not thread-safe.
/// </summary>
/// <param name="perSecond">The rate; infinite = no bound.</param>
/// <param name="time">The clock.</param>
internal sealed class TokenBucket(double perSecond, TimeProvider time)
{
    private readonly double _most = Math.Max(1, perSecond / 4);
    private double _tokens = Math.Max(1, perSecond / 4);
    private long _filledAt = time.GetTimestamp();

    /// <summary>Takes some, at once and whatever there is.</summary>
    public void Take(double count)
    {
        if (double.IsFinite(perSecond))
        {
            Fill();
            _tokens -= count;
        }
    }

    /// <summary>How long until one may be taken; zero = now.</summary>
    public TimeSpan Wait()
    {
        if (!double.IsFinite(perSecond))
        {
            return TimeSpan.Zero;
        }

        Fill();
        return _tokens >= 1 ? TimeSpan.Zero : TimeSpan.FromSeconds((1 - _tokens) / perSecond);
    }

    private void Fill()
    {
        var now = time.GetTimestamp();
        _tokens = Math.Min(_most, _tokens + (time.GetElapsedTime(_filledAt, now).TotalSeconds * perSecond));
        _filledAt = now;
    }
}
