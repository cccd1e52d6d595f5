using OrleansCache.Fuse.Protocol;

namespace OrleansCache.Fuse.Session;

/// <summary>A snapshot of a session's counters, summed over its threads.</summary>
internal sealed class FuseStatistics
{
    private readonly Dictionary<FuseOpcode, FuseOpcodeStatistics> _byOpcode = [];

    /// <summary>Only opcodes that were asked for. Opcode 0 holds those the protocol does not know.</summary>
    public IReadOnlyDictionary<FuseOpcode, FuseOpcodeStatistics> ByOpcode => _byOpcode;

    public long Requests(FuseOpcode opcode) =>
        _byOpcode.TryGetValue(opcode, out var statistics) ? statistics.Requests : 0;

    internal void Add(FuseOpcode opcode, long requests, long failures, TimeSpan total, ReadOnlySpan<long> buckets)
    {
        if (requests == 0)
        {
            return;
        }

        if (!_byOpcode.TryGetValue(opcode, out var statistics))
        {
            _byOpcode[opcode] = statistics = new FuseOpcodeStatistics();
        }

        statistics.Requests += requests;
        statistics.Failures += failures;
        statistics.TotalTime += total;
        for (var index = 0; index < buckets.Length; index++)
        {
            statistics.LatencyBuckets[index] += buckets[index];
        }
    }
}

/// <summary>One opcode's part of a snapshot.</summary>
internal sealed class FuseOpcodeStatistics
{
    public long Requests { get; internal set; }

    /// <summary>Answered with an errno; ENOENT to LOOKUP counts too.</summary>
    public long Failures { get; internal set; }

    /// <summary>From reading the request to writing its reply.</summary>
    public TimeSpan TotalTime { get; internal set; }

    /// <summary>See <see cref="FuseCounters.LatencyBuckets"/>.</summary>
    public long[] LatencyBuckets { get; } = new long[FuseCounters.LatencyBuckets];
}
