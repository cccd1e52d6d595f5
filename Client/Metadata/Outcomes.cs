using OrleansCache.Files;

namespace OrleansCache.Metadata;

/// <summary>Answer about one place.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Node">The place, when Ok.</param>
/// <param name="ValidFor">What is left of the lease, also for NotFound; the kernel may keep it that long.</param>
internal readonly record struct NodeOutcome(ReadStatus Status, NodeEntry? Node, TimeSpan ValidFor)
{
    /// <summary>Why the cluster could not be asked; null when it was.</summary>
    public CacheClientException? Cause { get; init; }
}

/// <summary>Answer with a page of places.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Nodes">The entries, when Ok.</param>
/// <param name="Next">What to list after for the next page; null at the end of the directory.</param>
/// <param name="ValidFor">What is left of the lease.</param>
internal readonly record struct ListOutcome(
    ReadStatus Status, IReadOnlyList<NodeEntry> Nodes, string? Next, TimeSpan ValidFor)
{
    /// <summary>Whether the directory ends here.</summary>
    public bool IsLast => Next is null;

    /// <summary>Why the cluster could not be asked; null when it was.</summary>
    public CacheClientException? Cause { get; init; }

    /// <summary>Keys of the under storage that no path can name; on the last page only, and not all of very many.</summary>
    public IReadOnlyList<string> Unreachable
    {
        get => field ?? [];
        init;
    }
}

/// <summary>Answer with a link's target.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Target">The target, when Ok.</param>
internal readonly record struct LinkTargetOutcome(ReadStatus Status, string Target)
{
    /// <summary>Why the cluster could not be asked; null when it was.</summary>
    public CacheClientException? Cause { get; init; }
}
