using System.Globalization;
using OrleansCache.Files;

namespace OrleansCache.Blocks;

/// <summary>
/// What one <see cref="IBlockGrain"/> looks after: 64 neighbouring blocks of a big file, or one of 64 shards of all files
/// of a single block. So a cold pass costs at most one call per 64 blocks, however small the files are.
/// </summary>
public static class BlockRun
{
    /// <summary>Blocks in a run.</summary>
    public const int BlocksPerRun = 64;

    /// <summary>Shards of small files.</summary>
    public const int SmallFileShards = 64;

    /// <summary>Key of the grain that looks after a block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="blockCount">Number of blocks of its file version.</param>
    public static string GrainKeyOf(BlockId block, int blockCount) => blockCount <= 1
        ? string.Create(CultureInfo.InvariantCulture, $"small/{ShardOf(block.File)}")
        : string.Create(CultureInfo.InvariantCulture, $"{block.File}/{block.Index / BlocksPerRun}");

    /// <summary>Shard of a small file.</summary>
    public static int ShardOf(FileKey file) => (int)(file.High >> 58);
}
