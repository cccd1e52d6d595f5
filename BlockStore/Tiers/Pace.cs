namespace OrleansCache.BlockStore.Tiers;

/// <summary>
/// Keeps background work below a rate. Pauses are of whole milliseconds, so small pieces are paid for together: each by itself
/// would cost less than a clock can wait for, which is nothing. For one caller at a time.
/// </summary>
internal sealed class Pace(long bytesPerSecond, TimeProvider time)
{
    private const double PauseMinMs = 10;
    private double _owedMs;

    /// <summary>Waits for what was done to be paid for, if it is worth a pause already.</summary>
    public Task AfterAsync(long bytes, CancellationToken cancellationToken)
    {
        _owedMs += bytes * 1000.0 / bytesPerSecond;
        if (_owedMs < PauseMinMs)
        {
            return Task.CompletedTask;
        }

        var pause = Math.Floor(_owedMs);
        _owedMs -= pause;
        return Task.Delay(TimeSpan.FromMilliseconds(pause), time, cancellationToken);
    }
}
