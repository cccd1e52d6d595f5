using OrleansCache.Files;

namespace OrleansCache.Blocks;

/// <summary>One block of one file version.</summary>
/// <param name="File">The version.</param>
/// <param name="Index">Zero-based index in the version's layout.</param>
[GenerateSerializer, Immutable, Alias("blk")]
public readonly record struct BlockId([property: Id(0)] FileKey File, [property: Id(1)] int Index)
{
    /// <inheritdoc/>
    public override string ToString() => $"{File}#{Index}";
}
