using OrleansCache.Files;

namespace OrleansCache.BlockStore;

/// <summary>Which block is to be filled. Length, layout and source belong to the file version and must never differ between requests.</summary>
/// <param name="File">The file version.</param>
/// <param name="FileLengthBytes">Its length.</param>
/// <param name="Layout">How it is cut into blocks.</param>
/// <param name="Source">The source it came from, for <see cref="IBlockStore.DropSourceAsync"/>.</param>
/// <param name="BlockIndex">The block.</param>
public readonly record struct FillRequest(
    FileKey File, long FileLengthBytes, BlockLayout Layout, SourceId Source, int BlockIndex);

/// <summary>The answer to <see cref="IBlockStore.BeginFillAsync"/>.</summary>
public enum FillStatus : byte
{
    /// <summary>The caller owns the fill: it must complete, abort or dispose it.</summary>
    Started,

    /// <summary>Somebody else fills it: read its progress.</summary>
    InFlight,

    /// <summary>The block is already there: pin it.</summary>
    Resident,

    /// <summary>No room and nothing can be evicted: read through without caching.</summary>
    Full,

    /// <summary>The request contradicts what the store knows of the file version (length or layout), or the index is out of range.</summary>
    Mismatch,

    /// <summary>The tier is out of order (disk failed, store closing): read through without caching.</summary>
    Unavailable,

    /// <summary>
    /// No room for this one, though perhaps for others: all of its source's quota is in use, or the file is too long for the file
    /// system. Read through without caching.
    /// </summary>
    Refused,
}

/// <summary>What became of a request to fill.</summary>
/// <param name="Status">The outcome.</param>
/// <param name="Fill">The right to fill, with <see cref="FillStatus.Started"/> only.</param>
/// <param name="Progress">Follows the fill, with <see cref="FillStatus.Started"/> and <see cref="FillStatus.InFlight"/>.</param>
public readonly record struct FillAttempt(FillStatus Status, IBlockFill? Fill, IFillProgress? Progress);

/// <summary>Why a fill ended without a block.</summary>
public enum FillFailure : byte
{
    /// <summary>It did not fail.</summary>
    None,

    /// <summary>The under storage failed or ended early.</summary>
    SourceFailed,

    /// <summary>The under storage has another version by now.</summary>
    VersionChanged,

    /// <summary>The filler gave up (cancelled, deadline, disposed without an end).</summary>
    Abandoned,

    /// <summary>The tier's disk is full.</summary>
    NoSpace,

    /// <summary>The tier's disk failed.</summary>
    DiskFailed,

    /// <summary>The file or its source was dropped meanwhile.</summary>
    Dropped,
}
