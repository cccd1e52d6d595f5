using System.ComponentModel.DataAnnotations;

namespace OrleansCache.Silo.Filling;

/// <summary>Bounds of fetching blocks from the under storage.</summary>
internal sealed record FillOptions
{
    /// <summary>
    /// Blocks read at the same time. 32 requests of 4 MiB fill 1.3 GB/s at 100 ms; small files need the number, not the
    /// bytes: 1,600 a second at 20 ms. A driver whose store cannot take so many has a gate of its own.
    /// </summary>
    [Range(1, 256)]
    public int ConcurrentFills { get; init; } = 32;

    /// <summary>Of those, how many may be prefetches: three quarters, so that a demanded block always finds a free place soon.</summary>
    [Range(1, 256)]
    public int ConcurrentPrefetches { get; init; } = 24;

    /// <summary>
    /// Buffer of one fill, and with it the largest piece that is released to readers at once. 1 MiB for drivers that ask
    /// piece by piece; one that streams takes less (<see cref="UnderStorage.IUnderStorage.PieceBytesMax"/>).
    /// </summary>
    [Range(64 * 1024, 16 << 20)]
    public int PieceBytes { get; init; } = 1 << 20;

    /// <summary>
    /// Arriving bytes are told of at multiples of this, or when all that was asked for is there: a store's bytes come off the
    /// socket some 10 KiB at a time, and an answer for each would cost more than the bytes. 256 KiB are 2 ms of 150 MiB/s.
    /// </summary>
    [Range(4096, 16 << 20)]
    public int ReleaseBytes { get; init; } = 256 * 1024;

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

    /// <summary>An under storage that gives no byte for this long is down; each piece that arrives starts it anew.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:10:00")]
    public TimeSpan UnderStorageTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Longest fill of one block, however it trickles: it holds a place all the while. 10 minutes are 64 MiB at 112 KB/s.
    /// Never less than <see cref="UnderStorageTimeout"/>.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan FillTimeout { get; init; } = TimeSpan.FromMinutes(10);

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
