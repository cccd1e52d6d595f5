using OrleansCache.Blocks;

namespace OrleansCache.Silo.Filling;

/// <summary>Asks the run's grain for the right to fill.</summary>
/// <param name="grainKey">Key of the <see cref="IBlockGrain"/>.</param>
/// <param name="firstMissing">What is missing.</param>
/// <param name="cancellationToken">Ends the wait.</param>
internal delegate ValueTask<FillGrant> AcquireGrant(
    string grainKey, BlockId firstMissing, CancellationToken cancellationToken);

/// <summary>
/// The grants this silo holds: one grain call per run of blocks however many of them are filled, renewed when half of its
/// lifetime is over and it is used again. No answer is no obstacle: the grant saves a second copy, it guards nothing.
/// Thread-safe.
/// </summary>
internal sealed partial class GrantCache(
    AcquireGrant acquire, FillOptions options, TimeProvider time, ILogger<GrantCache> logger)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<RunKey, Held> _held = [];
    private long _calls;
    private long _unanswered;

    /// <summary>Grain calls made.</summary>
    public long Calls => Interlocked.Read(ref _calls);

    /// <summary>Runs remembered.</summary>
    public int Runs
    {
        get
        {
            lock (_gate)
            {
                return _held.Count;
            }
        }
    }

    /// <summary>Grain calls that failed or were not answered in time.</summary>
    public long Unanswered => Interlocked.Read(ref _unanswered);

    /// <summary>Makes sure that this silo was told to fill the block's run, asking only if it must.</summary>
    public ValueTask<GrantOutcome> AcquireAsync(BlockId block, int blockCount, CancellationToken cancellationToken)
    {
        var run = RunKey.Of(block, blockCount);
        var now = time.GetTimestamp();
        Task<GrantOutcome> asking;
        lock (_gate)
        {
            var held = Find(run);
            if (now < held.ExpiresAt)
            {
                if (now >= held.RenewAt && held.Asking is null)
                {
                    // Fire and forget on purpose: AskAsync observes its own failures.
                    held.Asking = AskAsync(held, block, blockCount, now);
                }

                return new(GrantOutcome.Granted);
            }

            asking = held.Asking ??= AskAsync(held, block, blockCount, now);
        }

        return new(asking.WaitAsync(cancellationToken));
    }

    private Held Find(RunKey run)
    {
        if (_held.TryGetValue(run, out var held))
        {
            return held;
        }

        if (_held.Count >= options.GrantsMax)
        {
            MakeRoom();
        }

        held = new Held();
        _held.Add(run, held);
        return held;
    }

    private void MakeRoom()
    {
        var now = time.GetTimestamp();
        foreach (var (run, held) in _held)
        {
            if (held.Asking is null && held.ExpiresAt <= now)
            {
                _held.Remove(run);
            }
        }

        if (_held.Count >= options.GrantsMax)
        {
            // All in use: forgetting one costs one more grain call.
            _held.Remove(_held.First().Key);
        }
    }

    private async Task<GrantOutcome> AskAsync(Held held, BlockId block, int blockCount, long askedAt)
    {
        await Task.Yield(); // The caller holds the lock.
        Interlocked.Increment(ref _calls);
        var key = BlockRun.GrainKeyOf(block, blockCount);
        FillGrant? grant = null;
        try
        {
            using var deadline = new CancellationTokenSource(options.GrantTimeout, time);
            grant = await acquire(key, block, deadline.Token).AsTask().WaitAsync(deadline.Token);
        }
        catch (Exception exception)
        {
            Interlocked.Increment(ref _unanswered);
            LogUnanswered(key, exception.Message);
        }

        lock (_gate)
        {
            held.Asking = null;
            if (grant is { Granted: true })
            {
                // Counted from before the question: the grain's own clock started later.
                var ticks = (long)(grant.Lifetime.TotalSeconds * time.TimestampFrequency);
                held.RenewAt = askedAt + (ticks / 2);
                held.ExpiresAt = askedAt + ticks;
            }
        }

        return grant switch
        {
            null => GrantOutcome.Unanswered,
            { Granted: true } => GrantOutcome.Granted,
            _ => GrantOutcome.HeldElsewhere,
        };
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "No grant for run {Run}, reading without one: {Reason}")]
    private partial void LogUnanswered(string run, string reason);

    private sealed class Held
    {
        public long ExpiresAt { get; set; } = long.MinValue;

        public long RenewAt { get; set; } = long.MinValue;

        public Task<GrantOutcome>? Asking { get; set; }
    }

    private readonly record struct RunKey(ulong High, ulong Low, int Run)
    {
        public static RunKey Of(BlockId block, int blockCount) => blockCount <= 1
            ? new RunKey(0, 0, -1 - BlockRun.ShardOf(block.File))
            : new RunKey(block.File.High, block.File.Low, block.Index / BlockRun.BlocksPerRun);
    }
}

/// <summary>What the run's grain said.</summary>
internal enum GrantOutcome : byte
{
    /// <summary>This silo fills.</summary>
    Granted,

    /// <summary>Another silo fills or holds.</summary>
    HeldElsewhere,

    /// <summary>No answer.</summary>
    Unanswered,
}
