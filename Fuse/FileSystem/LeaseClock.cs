namespace OrleansCache.Fuse.FileSystem;

/// <summary>What is left of a lease, counted on the monotonic clock.</summary>
internal sealed class LeaseClock(TimeProvider time)
{
    /// <summary>
    /// The kernel counts from the moment it takes the reply and rounds up to a timer tick (10 ms at HZ=100), so this
    /// much is kept back: its answer must end before the lease does.
    /// </summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMilliseconds(12);

    /// <summary>
    /// Longest validity ever given: keeps the arithmetic far from overflow; once an hour costs nothing.
    /// </summary>
    private static readonly TimeSpan ValidityMax = TimeSpan.FromHours(1);

    private readonly long _frequency = time.TimestampFrequency;

    /// <summary>The timestamp at which a lease with this much left is over.</summary>
    public long ExpiryOf(TimeSpan validFor)
    {
        var ticks = Bound(validFor).Ticks;
        return time.GetTimestamp() + (long)(ticks * ((double)_frequency / TimeSpan.TicksPerSecond));
    }

    /// <summary>Whether the lease still lives.</summary>
    public bool IsLive(long expiry) => time.GetTimestamp() < expiry;

    /// <summary>What the kernel may be told; zero when the lease is over or nearly so.</summary>
    public TimeSpan ForKernel(long expiry)
    {
        var now = time.GetTimestamp();
        return expiry <= now ? TimeSpan.Zero : Shorten(time.GetElapsedTime(now, expiry));
    }

    /// <summary>The same for an answer that has just come.</summary>
    public static TimeSpan ForKernel(TimeSpan validFor) => Shorten(Bound(validFor));

    /// <summary>From zero to an hour; <see cref="Timeout.InfiniteTimeSpan"/> (<c>sync=never</c>) is the hour.</summary>
    private static TimeSpan Bound(TimeSpan validFor) =>
        validFor == Timeout.InfiniteTimeSpan || validFor > ValidityMax ? ValidityMax
        : validFor < TimeSpan.Zero ? TimeSpan.Zero
        : validFor;

    private static TimeSpan Shorten(TimeSpan left) => left <= Margin ? TimeSpan.Zero : left - Margin;
}
