using System.ComponentModel.DataAnnotations;

namespace OrleansCache.Silo.Filling;

/// <summary>Bounds of fetching blocks from the under storage.</summary>
internal sealed record FillOptions
{
    /// <summary>Blocks read at the same time. 16 hides 10 ms of latency at 4 MiB and 6 GB/s; more only queues at the storage.</summary>
    [Range(1, 256)]
    public int ConcurrentFills { get; init; } = 16;

    /// <summary>Of those, how many may be prefetches: half, so that a demanded block always finds a free place soon.</summary>
    [Range(1, 256)]
    public int ConcurrentPrefetches { get; init; } = 8;

    /// <summary>
    /// One read of the under storage. 1 MiB: NFS and S3 are near their best there, and a reader of a block's start waits
    /// for a quarter of a block only.
    /// </summary>
    [Range(64 * 1024, 16 << 20)]
    public int PieceBytes { get; init; } = 1 << 20;

    /// <summary>Blocks known to the pipeline in any state. 16,384 times half a KiB is 8 MiB; past it requests are refused.</summary>
    [Range(1, 1 << 20)]
    public int FlightsMax { get; init; } = 16_384;

    /// <summary>Prefetches that wait. 256 blocks of 4 MiB are a second of NVMe; what is asked for later is not asked for yet.</summary>
    [Range(1, 1 << 16)]
    public int QueuedPrefetchesMax { get; init; } = 256;

    /// <summary>Blocks of one demanded range that are prefetched behind its first missing block.</summary>
    [Range(0, 1024)]
    public int BlocksAheadMax { get; init; } = 16;

    /// <summary>Reads without caching at the same time, when the store is full or failed: they load the under storage each time.</summary>
    [Range(1, 256)]
    public int ConcurrentReadThroughs { get; init; } = 8;

    /// <summary>
    /// After the store said that it is full or out of order, reads go past it for this long. One second: a full store waits
    /// for evictions before it says so, and readers that all wait for that would be slower than the under storage.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan BypassFullStoreFor { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Deadline of one read of the under storage: an NFS server that takes longer is down.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:10:00")]
    public TimeSpan UnderStorageTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Deadline of one question for a grant. Without an answer the block is read all the same: a copy, no error.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan GrantTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Runs whose grant is remembered: all runs being filled at once, generously.</summary>
    [Range(16, 1 << 20)]
    public int GrantsMax { get; init; } = 4096;

    /// <summary>How long stopping waits for fills under way.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(3);
}
