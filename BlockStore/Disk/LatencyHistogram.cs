using System.Diagnostics;

namespace OrleansCache.BlockStore.Disk;

/// <summary>How long one kind of call took, in fixed buckets, and how many are under way. No lock, no allocation.</summary>
internal sealed class LatencyHistogram(string operation)
{
    // From a page in the cache to a disk that hangs; four a decade where it matters whether a reader waited.
    private static readonly double[] BoundsSeconds =
        [10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

    private static readonly long[] BoundsTicks = [.. BoundsSeconds.Select(bound => (long)(bound * Stopwatch.Frequency))];

    private readonly long[] _counts = new long[BoundsSeconds.Length + 1];
    private long _sumTicks;
    private int _inFlight;

    /// <summary>A call begins: what <see cref="End"/> takes.</summary>
    public long Begin()
    {
        Interlocked.Increment(ref _inFlight);
        return Stopwatch.GetTimestamp();
    }

    /// <summary>The call has ended, well or not.</summary>
    public void End(long began)
    {
        Interlocked.Decrement(ref _inFlight);
        var ticks = Stopwatch.GetTimestamp() - began;
        var bucket = 0;
        while (bucket < BoundsTicks.Length && ticks > BoundsTicks[bucket])
        {
            bucket++;
        }

        Interlocked.Increment(ref _counts[bucket]);
        Interlocked.Add(ref _sumTicks, ticks);
    }

    /// <summary>A call that begins here and ends when it is disposed.</summary>
    public Call Measure() => new(this);

    /// <summary>What was counted so far. Taken beside running calls: it may be a call or two behind itself.</summary>
    public DiskOperationStats Read()
    {
        var counts = new long[_counts.Length];
        for (var i = 0; i < counts.Length; i++)
        {
            counts[i] = Volatile.Read(ref _counts[i]);
        }

        return new DiskOperationStats(
            operation,
            BoundsSeconds,
            counts,
            (double)Volatile.Read(ref _sumTicks) / Stopwatch.Frequency,
            Volatile.Read(ref _inFlight));
    }

    /// <summary>One call under way.</summary>
    internal readonly ref struct Call(LatencyHistogram histogram)
    {
        private readonly long _began = histogram.Begin();

        public void Dispose() => histogram.End(_began);
    }
}
