using OrleansCache.Files;

namespace OrleansCache.BlockStore;

/// <summary>
/// The silo's cached blocks on one tier directory: their bytes, their checksums, their eviction.
/// <para>
/// Order of truth: bytes written, then a <c>valid</c> record durable in the journal, then visible here; a <c>gone</c>
/// record durable before anything is punched or unlinked. So what <see cref="GetResidency"/> and <see cref="TryPin"/>
/// call resident is resident, also after kill -9; after a change of the machine's boot id, what no sync barrier covered is
/// unproven and stays hidden until its checksums were verified. A miss, a busy block and a full tier are statuses, not exceptions.
/// </para>
/// <para>Thread-safe. <see cref="TryPin"/> and <see cref="Touch"/> take no lock and allocate nothing once the file is open.</para>
/// </summary>
public interface IBlockStore : IAsyncDisposable
{
    /// <summary>
    /// A snapshot of which blocks of a file version are verified and present. Blocks in it may be evicted a moment later
    /// unless they are pinned, or leased before the snapshot was taken. Unknown files give <see cref="FileResidency.None"/>.
    /// </summary>
    FileResidency GetResidency(FileKey file);

    /// <summary>
    /// Pins a byte range for the length of one pread or sendfile. On <see cref="PinStatus.Pinned"/> the caller must dispose
    /// the pin exactly once, and soon: eviction of the file's blocks waits for it. The range may span blocks. Counts as a use.
    /// </summary>
    PinStatus TryPin(FileKey file, long offsetBytes, int lengthBytes, out ReadPin pin);

    /// <summary>
    /// Asks for the right to fill one block. Single flight: while a fill is under way, others get
    /// <see cref="FillStatus.InFlight"/> and its progress. Reserves capacity, evicting if needed; completes synchronously
    /// when there is room. An unproven block is verified here first, so callers need not know about unproven blocks.
    /// </summary>
    ValueTask<FillAttempt> BeginFillAsync(FillRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// A fresh read-only descriptor of the cache file with a shared flock, to be passed by SCM_RIGHTS. Until its last holder
    /// closes it, no byte of the file is punched (the file may be unlinked, which its holders do not notice); missing blocks
    /// go on being filled in place. The lease carries the residency as seen after the lock: those blocks, and any block a
    /// later <see cref="GetResidency"/> shows under the same <see cref="ResidencyLease.Generation"/>, are safe to read. A file
    /// whose first block is on its way is leased too; one that has nothing is not, nor is one that is packed
    /// (<see cref="BlockStoreOptions.PackedMaxBytes"/>), which has an answer of its own: <see cref="LeaseStatus.Packed"/>.
    /// </summary>
    LeaseStatus TryLease(FileKey file, out ResidencyLease? lease);

    /// <summary>
    /// Verifies the unproven blocks of a range against their checksums and drops those that are bad (counted).
    /// True if every block of the range is now present and proven.
    /// </summary>
    ValueTask<bool> EnsureVerifiedAsync(FileKey file, long offsetBytes, long lengthBytes, CancellationToken cancellationToken);

    /// <summary>
    /// Somebody could not read what was pinned: the blocks of the range are unproven from now on, so that they are read and compared,
    /// and dropped if they are bad, before anybody is given them again.
    /// </summary>
    void Doubt(FileKey file, long offsetBytes, int lengthBytes);

    /// <summary>Counts a use that the store cannot see by itself: an open, a release, passthrough reads.</summary>
    void Touch(FileKey file);

    /// <summary>
    /// Says how a source is cached from now on, what of it is here already included. A source over its quota gives up its own
    /// data first, and its fills wait for that; <see cref="FillStatus.Refused"/> when all it has is in use.
    /// </summary>
    void SetSource(SourceId source, SourceCaching caching);

    /// <summary>Forgets a file version: its fills are aborted, its blocks gone once this completes. Unknown files are no error.</summary>
    ValueTask DropAsync(FileKey file, CancellationToken cancellationToken);

    /// <summary>Forgets every file version of a source. Returns how many there were.</summary>
    ValueTask<int> DropSourceAsync(SourceId source, CancellationToken cancellationToken);

    /// <summary>Reads every block of a file and compares the checksums (scrub, or on request); bad blocks are dropped and counted.</summary>
    ValueTask<VerifyReport> VerifyAsync(FileKey file, CancellationToken cancellationToken);

    /// <summary>
    /// A sync barrier now (also made by itself every <see cref="BlockStoreOptions.BarrierPeriod"/>): everything visible before
    /// this call survives a power cut and is proven after it. Throws <see cref="IOException"/> if the disk cannot promise that.
    /// </summary>
    ValueTask SyncAsync(CancellationToken cancellationToken);

    /// <summary>Counters and gauges, cheap enough to be polled each second.</summary>
    BlockStoreStats GetStats();

    /// <summary>The file versions the store knows, in no particular order; safe while the store is used.</summary>
    IEnumerable<StoredFile> EnumerateFiles();
}
