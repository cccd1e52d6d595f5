namespace OrleansCache.BlockStore.Disk;

/// <summary>The histograms of one disk. Journal commits are writes that wait for the device, so they are kept apart.</summary>
internal sealed class DiskLatency
{
    /// <summary>The store's own reads: verification, journal, checkpoint.</summary>
    public LatencyHistogram Reads { get; } = new("read");

    /// <summary>Writes of fills and checkpoints.</summary>
    public LatencyHistogram Writes { get; } = new("write");

    /// <summary>Waits for a filled block to reach the device.</summary>
    public LatencyHistogram Writebacks { get; } = new("writeback");

    /// <summary>Writes of the journal.</summary>
    public LatencyHistogram Commits { get; } = new("commit");

    /// <summary>fsync and syncfs.</summary>
    public LatencyHistogram Syncs { get; } = new("sync");

    public IReadOnlyList<DiskOperationStats> ReadAll() => [Reads.Read(), Writes.Read(), Writebacks.Read(), Commits.Read(), Syncs.Read()];
}
