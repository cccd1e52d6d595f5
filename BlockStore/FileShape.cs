using OrleansCache.Files;

namespace OrleansCache.BlockStore;

/// <summary>What never changes of a file version.</summary>
internal readonly record struct FileShape(FileKey Key, long LengthBytes, BlockLayout Layout, SourceId Source)
{
    /// <summary>64 TiB in blocks of 4 MiB: bounds what one hostile length can make us allocate.</summary>
    public const int BlocksMax = 1 << 24;

    public int BlockCount => Layout.CountFor(LengthBytes);

    /// <summary>Whether the numbers make sense: checked on every request and on everything read from disk.</summary>
    public bool IsValid => LengthBytes > 0 && Layout.IsValid
        && LengthBytes <= (long)BlocksMax * Layout.BlockSizeBytes;

    public int BlockLength(int blockIndex) => Layout.LengthOf(blockIndex, LengthBytes);

    /// <summary>What a block takes on the disk: whole pages.</summary>
    public long BlockDiskBytes(int blockIndex) => (BlockLength(blockIndex) + 4095L) & ~4095L;

    public int CrcCount(int blockIndex) => (BlockLength(blockIndex) + Crc32C.ChunkBytes - 1) / Crc32C.ChunkBytes;
}
