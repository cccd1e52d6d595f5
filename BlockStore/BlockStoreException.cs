namespace OrleansCache.BlockStore;

/// <summary>Why a tier directory cannot be used.</summary>
public enum BlockStoreError
{
    /// <summary>The directory does not exist.</summary>
    DirectoryMissing,

    /// <summary>The directory cannot be written.</summary>
    NotWritable,

    /// <summary>Another silo has it open.</summary>
    InUse,

    /// <summary>It was written by a version of OrleansCache that this one does not know, or is something else.</summary>
    UnknownFormat,

    /// <summary>The capacity is larger than the disk.</summary>
    CapacityTooLarge,

    /// <summary>Its journal cannot be read or written.</summary>
    JournalFailed,

    /// <summary>Its disk failed while it was opened.</summary>
    DiskFailed,
}

/// <summary>A tier directory cannot be used. The message says what was tried, on what, and what to do.</summary>
public sealed class BlockStoreException(BlockStoreError error, string message, Exception? innerException = null)
    : IOException(message, innerException)
{
    /// <summary>The kind of trouble.</summary>
    public BlockStoreError Error { get; } = error;
}
