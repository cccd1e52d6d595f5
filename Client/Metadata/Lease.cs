namespace OrleansCache.Metadata;

/// <summary>When something stops being current, on the monotonic clock; counted from before the question was sent.</summary>
internal readonly record struct Lease(long EndsAt)
{
    // A grain that promises more than a day promises too much: a wrong promise then ends.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    /// <summary>A lease of a duration that began at a timestamp.</summary>
    public static Lease From(TimeProvider time, long startedAt, TimeSpan duration)
    {
        var bounded = duration <= TimeSpan.Zero ? TimeSpan.Zero : duration < Longest ? duration : Longest;
        return new Lease(startedAt + (long)(bounded.TotalSeconds * time.TimestampFrequency));
    }

    /// <summary>What is left of it; zero when it is over.</summary>
    public TimeSpan Remaining(TimeProvider time)
    {
        var now = time.GetTimestamp();
        return now >= EndsAt ? TimeSpan.Zero : time.GetElapsedTime(now, EndsAt);
    }
}
