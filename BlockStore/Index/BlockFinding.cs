namespace OrleansCache.BlockStore.Index;

/// <summary>What reading a block and comparing its checksums showed.</summary>
internal enum BlockFinding : byte
{
    /// <summary>The bytes match.</summary>
    Proven,

    /// <summary>They do not, or cannot be read: the block was dropped.</summary>
    Corrupt,

    /// <summary>The block was evicted meanwhile: nothing was learned.</summary>
    Gone,

    /// <summary>The file cannot be opened now: nothing was learned, the next reader tries again.</summary>
    Unreadable,
}
