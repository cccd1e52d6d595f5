namespace OrleansCache.Grains.Listings;

/// <summary>When an under storage was asked.</summary>
/// <param name="At">Timestamp of the monotonic clock from before the question.</param>
/// <param name="Number">Grows with each question and each sync of this silo: tells which came first when the clock cannot.</param>
internal readonly record struct Moment(long At, long Number)
{
    /// <summary>The earlier of both, in each respect.</summary>
    public static Moment Older(Moment one, Moment other) => new(Math.Min(one.At, other.At), Math.Min(one.Number, other.Number));
}

/// <summary>How fresh an answer must be. Fixed when a question arrives, so that one answer to it satisfies it.</summary>
/// <param name="MinAt">Asked at this timestamp or later.</param>
/// <param name="AfterNumber">Asked after this number.</param>
internal readonly record struct Freshness(long MinAt, long AfterNumber)
{
    /// <summary>Whether an answer of that moment will do.</summary>
    public bool Allows(Moment? asked) => asked is { } moment && moment.At >= MinAt && moment.Number > AfterNumber;
}
