using System.Collections.Immutable;

namespace OrleansCache.Metadata;

/// <summary>Something of the namespace changed: what was known of it is not current any more, whatever its lease said.</summary>
/// <param name="Directory">Absolute namespace path of a directory.</param>
/// <param name="Names">Names in it that came, went or changed; empty = any may have.</param>
/// <param name="IsSubtree">Whether everything below is meant, too, and the directory's own entry.</param>
internal sealed record NamespaceChange(string Directory, ImmutableArray<string> Names, bool IsSubtree)
{
    /// <summary>Whether no name in the directory counts any more.</summary>
    public bool IsAnyName => IsSubtree || Names.IsDefaultOrEmpty;

    /// <summary>Nothing known of a path and below it counts any more.</summary>
    public static NamespaceChange Below(string path) => new(path, [], IsSubtree: true);
}
