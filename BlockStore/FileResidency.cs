using System.Numerics;

namespace OrleansCache.BlockStore;

/// <summary>An immutable snapshot of which blocks of a file version are verified and present.</summary>
public sealed class FileResidency
{
    private readonly ulong[] _bits;

    internal FileResidency(ulong[] bits, int blockCount, int blockSizeBytes, long fileLengthBytes, long generation, int unproven)
    {
        _bits = bits;
        BlockCount = blockCount;
        BlockSizeBytes = blockSizeBytes;
        FileLengthBytes = fileLengthBytes;
        Generation = generation;
        UnprovenBlocks = unproven;
        foreach (var word in bits)
        {
            ResidentBlocks += BitOperations.PopCount(word);
        }
    }

    /// <summary>Nothing is known of the file.</summary>
    public static FileResidency None { get; } = new([], 0, 0, 0, 0, 0);

    /// <summary>How many blocks the file version has; 0 when the store does not know it.</summary>
    public int BlockCount { get; }

    /// <summary>The layout's block size.</summary>
    public int BlockSizeBytes { get; }

    /// <summary>The file version's length.</summary>
    public long FileLengthBytes { get; }

    /// <summary>How many blocks are present and proven.</summary>
    public int ResidentBlocks { get; }

    /// <summary>How many more are present but unproven since the machine restarted.</summary>
    public int UnprovenBlocks { get; }

    /// <summary>Changes when the cache file is another one: see <see cref="ResidencyLease.Generation"/>.</summary>
    public long Generation { get; }

    /// <summary>Every block is present and proven: the cache file is the whole file.</summary>
    public bool IsComplete => BlockCount > 0 && ResidentBlocks == BlockCount;

    /// <summary>Bit i of word i / 64 is block i.</summary>
    public ReadOnlySpan<ulong> Bitmap => _bits;

    /// <summary>Whether a block is present and proven.</summary>
    public bool Has(int blockIndex) =>
        (uint)blockIndex < (uint)BlockCount && (_bits[blockIndex >> 6] >> (blockIndex & 63) & 1) != 0;
}
