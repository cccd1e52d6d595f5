using System.Collections.Immutable;

namespace OrleansCache.Namespaces;

/// <summary>Something changed in a directory: what was leased of it is not current any more.</summary>
/// <param name="DirectoryPath">The directory's path inside the source, empty for its root.</param>
/// <param name="Names">Names that came, went or changed; empty = any may have.</param>
/// <param name="IsSubtree">Whether everything below the directory is meant, too.</param>
[GenerateSerializer, Immutable, Alias("pathchg")]
public sealed record PathChange(
    [property: Id(0)] string DirectoryPath,
    [property: Id(1)] ImmutableArray<string> Names,
    [property: Id(2)] bool IsSubtree)
{
    /// <summary>More names than these are said as "any".</summary>
    public const int MaxNames = 64;
}
