using OrleansCache.Files;

namespace OrleansCache.PowerCut;

/// <summary>The files of a run, known to the child that fills them and to the test that checks them.</summary>
public static class Workload
{
    public const int BlockSizeBytes = BlockLayout.MinBlockSizeBytes;
    public const int Files = 24;
    public const int KeptFiles = 4;

    public static BlockLayout Layout => new(BlockSizeBytes);

    public static SourceId Source => new(7);

    public static FileKey Key(int file) => new(0xABCD_0000_0000_0000 + (ulong)file, 0x1234_5678_9ABC_DEF0 * (ulong)(file + 1));

    /// <summary>Eight blocks, the last one ragged.</summary>
    public static long LengthBytes(int file) => (8L * BlockSizeBytes) - (file * 1001);

    public static int Blocks(int file) => Layout.CountFor(LengthBytes(file));
}
