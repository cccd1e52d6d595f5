using OrleansCache.Files;

namespace OrleansCache.PowerCut;

/// <summary>The files of a run, known to the child that fills them and to the test that checks them.</summary>
public static class Workload
{
    public const int BlockSizeBytes = BlockLayout.MinBlockSizeBytes;
    public const int LargeFiles = 24;
    public const int KeptFiles = 4;
    public const int SmallFiles = 400; // Packed, about 11 MiB.
    public const int Files = LargeFiles + SmallFiles;

    public static BlockLayout Layout => new(BlockSizeBytes);

    public static SourceId Source => new(7);

    public static FileKey Key(int file) => new(0xABCD_0000_0000_0000 + (ulong)file, 0x1234_5678_9ABC_DEF0 * (ulong)(file + 1));

    /// <summary>Eight blocks, the last one ragged; or a small file.</summary>
    public static long LengthBytes(int file) =>
        file < LargeFiles ? (8L * BlockSizeBytes) - (file * 1001) : 3000 + (file * 7919L % 50_000);

    public static int Blocks(int file) => Layout.CountFor(LengthBytes(file));
}
