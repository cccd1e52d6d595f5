using OrleansCache.Fuse.Protocol;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Session;

/// <summary>
/// Requests, failures and latency by opcode. Each session thread has its own instance and adds without interlocking;
/// one shared instance takes the deferred ones. Reading while others write may lag a few requests behind.
/// </summary>
internal sealed class FuseCounters(TimeProvider time)
{
    /// <summary>Powers of two of microseconds: under 1 us, under 2 us, ... and everything from 2^30 us.</summary>
    public const int LatencyBuckets = 32;

    private readonly long[] _requests = new long[FuseOpcodes.Count];
    private readonly long[] _failures = new long[FuseOpcodes.Count];
    private readonly long[] _ticks = new long[FuseOpcodes.Count];
    private readonly long[] _buckets = new long[FuseOpcodes.Count * LatencyBuckets];

    /// <summary>By the owning thread only.</summary>
    public void Add(FuseOpcode opcode, long started, Errno error)
    {
        var (index, ticks, bucket) = Measure(opcode, started);
        _requests[index]++;
        _ticks[index] += ticks;
        _buckets[bucket]++;
        if (error != Errno.None)
        {
            _failures[index]++;
        }
    }

    /// <summary>From any thread.</summary>
    public void AddDeferred(FuseOpcode opcode, long started, Errno error)
    {
        var (index, ticks, bucket) = Measure(opcode, started);
        Interlocked.Increment(ref _requests[index]);
        Interlocked.Add(ref _ticks[index], ticks);
        Interlocked.Increment(ref _buckets[bucket]);
        if (error != Errno.None)
        {
            Interlocked.Increment(ref _failures[index]);
        }
    }

    /// <summary>Adds this instance to a sum.</summary>
    public void AddTo(FuseStatistics sum)
    {
        for (var index = 0; index < _requests.Length; index++)
        {
            sum.Add(
                (FuseOpcode)index,
                Volatile.Read(ref _requests[index]),
                Volatile.Read(ref _failures[index]),
                new TimeSpan(Volatile.Read(ref _ticks[index])),
                _buckets.AsSpan(index * LatencyBuckets, LatencyBuckets));
        }
    }

    private (int Index, long Ticks, int Bucket) Measure(FuseOpcode opcode, long started)
    {
        var index = (uint)opcode < FuseOpcodes.Count ? (int)opcode : 0;
        var ticks = time.GetElapsedTime(started).Ticks;
        var microseconds = (ulong)Math.Max(0, ticks / TimeSpan.TicksPerMicrosecond);
        var bucket = Math.Min(LatencyBuckets - 1, 64 - System.Numerics.BitOperations.LeadingZeroCount(microseconds));
        return (index, ticks, (index * LatencyBuckets) + bucket);
    }
}
