using OrleansCache.Files;

namespace OrleansCache.BlockStore;

/// <summary>Counters since the store was opened, and gauges of now.</summary>
public sealed record BlockStoreStats
{
    /// <summary>The tier's capacity.</summary>
    public required long CapacityBytes { get; init; }

    /// <summary>Bytes taken: resident, reserved by fills, being evicted, and unlinked but still leased.</summary>
    public required long UsedBytes { get; init; }

    /// <summary>Bytes of blocks that are present (proven or not).</summary>
    public required long ResidentBytes { get; init; }

    /// <summary>Bytes of present blocks that must be verified before they are served.</summary>
    public required long UnprovenBytes { get; init; }

    /// <summary>Bytes of files that were evicted while leased or pinned, and whose holders still live.</summary>
    public required long UnlinkedOpenBytes { get; init; }

    /// <summary>Blocks present.</summary>
    public required long Blocks { get; init; }

    /// <summary>File versions known.</summary>
    public required long Files { get; init; }

    /// <summary>Cache files held open by the store.</summary>
    public required long OpenFiles { get; init; }

    /// <summary>Fills under way.</summary>
    public required long FillsInFlight { get; init; }

    /// <summary>Fills that ended with a visible block.</summary>
    public required long FillsCompleted { get; init; }

    /// <summary>Fills that ended without one.</summary>
    public required long FillsAborted { get; init; }

    /// <summary>Requests to fill that found a full tier.</summary>
    public required long FillsRefusedFull { get; init; }

    /// <summary>Pins given.</summary>
    public required long PinHits { get; init; }

    /// <summary>Pins refused because a block was missing or unproven.</summary>
    public required long PinMisses { get; init; }

    /// <summary>Bytes pinned, an upper bound of bytes read from here.</summary>
    public required long PinnedBytes { get; init; }

    /// <summary>Leases given.</summary>
    public required long Leases { get; init; }

    /// <summary>Blocks evicted to make room.</summary>
    public required long BlocksEvicted { get; init; }

    /// <summary>Blocks whose bytes did not match their checksums or were not there; dropped.</summary>
    public required long CorruptBlocks { get; init; }

    /// <summary>Blocks whose bytes matched when they were verified.</summary>
    public required long VerifiedBlocks { get; init; }

    /// <summary>Journal records since the last checkpoint, in bytes: what a restart has to replay.</summary>
    public required long JournalBytes { get; init; }

    /// <summary>Small files packed in log segments; part of <see cref="Files"/> and <see cref="Blocks"/>.</summary>
    public long PackedObjects { get; init; }

    /// <summary>Bytes of them, part of <see cref="ResidentBytes"/>.</summary>
    public long PackedBytes { get; init; }

    /// <summary>Log segments.</summary>
    public long PackedSegments { get; init; }

    /// <summary>What they take of the tier, with what is dead, unused, or kept back for compaction; part of <see cref="UsedBytes"/>.</summary>
    public long PackedSegmentBytes { get; init; }

    /// <summary>Bytes of objects that compaction has moved.</summary>
    public long PackedMovedBytes { get; init; }

    /// <summary>Memory of the index of packed objects.</summary>
    public long PackedIndexBytes { get; init; }

    /// <summary>Whether the tier takes fills; false after its disk failed.</summary>
    public required bool Healthy { get; init; }

    /// <summary>How long the calls to its disk took, by kind.</summary>
    public IReadOnlyList<DiskOperationStats> DiskOperations { get; init; } = [];
}

/// <summary>One file version in the store, for <c>stat</c> and <c>status</c>.</summary>
/// <param name="File">The file version.</param>
/// <param name="Source">Its source.</param>
/// <param name="FileLengthBytes">Its length.</param>
/// <param name="Layout">How it is cut.</param>
/// <param name="ResidentBlocks">Blocks present and proven.</param>
/// <param name="ResidentBytes">Bytes in them.</param>
/// <param name="UnprovenBlocks">Blocks present but unproven.</param>
public readonly record struct StoredFile(
    FileKey File,
    SourceId Source,
    long FileLengthBytes,
    BlockLayout Layout,
    int ResidentBlocks,
    long ResidentBytes,
    int UnprovenBlocks);

/// <summary>What a verification found.</summary>
/// <param name="BlocksChecked">Blocks whose bytes were read.</param>
/// <param name="BlocksCorrupt">Those that did not match and were dropped.</param>
public readonly record struct VerifyReport(int BlocksChecked, int BlocksCorrupt);
