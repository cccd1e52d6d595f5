using OrleansCache.Files;

namespace OrleansCache.Namespaces;

/// <summary>What <c>ocache attach --option name=value</c> sets for one source.</summary>
[GenerateSerializer, Immutable, Alias("srcopt")]
public sealed record SourceOptions
{
    /// <summary>Block size in bytes: a power of two from 256 KiB to 64 MiB. Option <c>block-size</c>.</summary>
    [Id(0)] public int BlockSizeBytes { get; init; } = BlockLayout.DefaultBlockSizeBytes;

    /// <summary>How old what we know may get before the under storage is asked again. Option <c>sync</c>.</summary>
    [Id(1)] public SyncRule Sync { get; init; } = SyncRule.Default;
}
