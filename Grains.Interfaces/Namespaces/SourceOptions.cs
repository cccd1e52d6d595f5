using System.Collections.Immutable;
using OrleansCache.Files;

namespace OrleansCache.Namespaces;

/// <summary>What <c>ocache attach --option name=value</c> sets for one source. Equal when all its parts are.</summary>
[GenerateSerializer, Immutable, Alias("srcopt")]
public sealed record SourceOptions
{
    /// <summary>Block size in bytes: a power of two from 256 KiB to 64 MiB. Option <c>block-size</c>.</summary>
    [Id(0)] public int BlockSizeBytes { get; init; } = BlockLayout.DefaultBlockSizeBytes;

    /// <summary>How old what we know may get before the under storage is asked again. Option <c>sync</c>.</summary>
    [Id(1)] public SyncRule Sync { get; init; } = SyncRule.Default;

    /// <summary>Parts with a rule of their own; the longest path that contains a name counts. Option <c>sync:/path</c>.</summary>
    [Id(2)] public ImmutableArray<SubtreeSync> Subtrees { get; init; } = [];

    /// <summary>
    /// Patterns of files that never change once they are there (<see cref="PathGlob"/>): seen once, they are not asked for again.
    /// Option <c>immutable</c>, which may be given several times.
    /// </summary>
    [Id(3)] public ImmutableArray<string> ImmutableFiles { get; init; } = [];

    /// <summary>Options that the source's driver knows, in the order typed.</summary>
    [Id(4)] public ImmutableArray<DriverOption> Driver { get; init; } = [];

    /// <summary>Which of its cached data goes first. Option <c>eviction</c>.</summary>
    [Id(5)] public EvictionKind Eviction { get; init; }

    /// <summary>Bytes it may hold on the disks of each silo; 0 = no limit of its own. Option <c>quota</c>.</summary>
    [Id(6)] public long QuotaBytes { get; init; }

    /// <summary>The rule for the names in a directory.</summary>
    /// <param name="directoryPath">Path of the directory inside the source, empty for its root.</param>
    public SyncRule RuleIn(string directoryPath)
    {
        var (rule, longest) = (Sync, -1);
        foreach (var subtree in Subtrees)
        {
            var contains = directoryPath.Length == subtree.Path.Length
                ? directoryPath == subtree.Path
                : directoryPath.Length > subtree.Path.Length && directoryPath[subtree.Path.Length] == '/'
                    && directoryPath.StartsWith(subtree.Path, StringComparison.Ordinal);
            if ((contains || subtree.Path.Length == 0) && subtree.Path.Length > longest)
            {
                (rule, longest) = (subtree.Rule, subtree.Path.Length);
            }
        }

        return rule;
    }

    /// <summary>Whether a file at a path inside the source never changes once it is there.</summary>
    public bool IsImmutable(string path)
    {
        foreach (var pattern in ImmutableFiles)
        {
            if (PathGlob.IsMatch(pattern, path))
            {
                return true;
            }
        }

        return false;
    }

    /// <inheritdoc/>
    public bool Equals(SourceOptions? other) => other is not null
        && BlockSizeBytes == other.BlockSizeBytes && Sync == other.Sync && Eviction == other.Eviction && QuotaBytes == other.QuotaBytes
        && Subtrees.AsSpan().SequenceEqual(other.Subtrees.AsSpan())
        && ImmutableFiles.AsSpan().SequenceEqual(other.ImmutableFiles.AsSpan())
        && Driver.AsSpan().SequenceEqual(other.Driver.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() =>
        HashCode.Combine(BlockSizeBytes, Sync, Subtrees.Length, ImmutableFiles.Length, Driver.Length);
}
