namespace OrleansCache.Files;

/// <summary>How one file version is cut into blocks. The size is part of the FileKey, so two cuts never share a block.</summary>
/// <param name="BlockSizeBytes">Power of two from <see cref="MinBlockSizeBytes"/> to <see cref="MaxBlockSizeBytes"/>.</param>
[GenerateSerializer, Immutable, Alias("blkl")]
public readonly record struct BlockLayout([property: Id(0)] int BlockSizeBytes)
{
    /// <summary>256 KiB: below it the record of a block costs more than it saves.</summary>
    public const int MinBlockSizeBytes = 256 * 1024;

    /// <summary>64 MiB: above it one miss keeps a reader waiting for seconds.</summary>
    public const int MaxBlockSizeBytes = 64 << 20;

    /// <summary>4 MiB: one S3 range GET of good efficiency, four milliseconds of NVMe.</summary>
    public const int DefaultBlockSizeBytes = 4 << 20;

    /// <summary>The layout of a source that says nothing.</summary>
    public static BlockLayout Default => new(DefaultBlockSizeBytes);

    /// <summary>Whether the size is one we accept.</summary>
    public bool IsValid => BlockSizeBytes is >= MinBlockSizeBytes and <= MaxBlockSizeBytes
        && (BlockSizeBytes & (BlockSizeBytes - 1)) == 0;

    /// <summary>Index of the block that contains a byte.</summary>
    public int IndexOf(long offsetBytes) => checked((int)(offsetBytes / BlockSizeBytes));

    /// <summary>Offset of a block's first byte.</summary>
    public long StartOf(int index) => (long)index * BlockSizeBytes;

    /// <summary>Number of blocks in a file of this length; an empty file has none.</summary>
    public int CountFor(long lengthBytes) => checked((int)((lengthBytes + BlockSizeBytes - 1) / BlockSizeBytes));

    /// <summary>Length of a block; the last one may be shorter.</summary>
    public int LengthOf(int index, long fileLengthBytes) =>
        (int)Math.Clamp(fileLengthBytes - StartOf(index), 0, BlockSizeBytes);
}
