using System.Collections.Immutable;

namespace OrleansCache.Metadata;

/// <summary>
/// The namespace as this process sees it: leased snapshots, bounded memory, one grain call at most for what is not leased.
/// Calls answered from a live lease complete synchronously. Thread-safe.
/// </summary>
internal interface INamespaceView
{
    /// <summary>
    /// Something is not current any more, whatever lease was given for it; the view itself has forgotten it by then. Raised from a
    /// thread that asks for more changes when the handler returns: it must be quick, must not throw and must not wait for answers.
    /// An answer begun before and not used yet may still be of before.
    /// </summary>
    event Action<ImmutableArray<NamespaceChange>>? Changed;

    /// <summary>The root of the namespace.</summary>
    ValueTask<NodeOutcome> GetRootAsync(CancellationToken cancellationToken);

    /// <summary>One name in a directory.</summary>
    ValueTask<NodeOutcome> LookupAsync(NodeEntry directory, string name, CancellationToken cancellationToken);

    /// <summary>A page of a directory, after <see cref="ListOutcome.Next"/> of another (null = first page).</summary>
    ValueTask<ListOutcome> ListAsync(NodeEntry directory, string? after, CancellationToken cancellationToken);

    /// <summary>
    /// The same place now: equal entry while the lease lives, else what the grain says. NotFound when the name is gone.
    /// </summary>
    ValueTask<NodeOutcome> RefreshAsync(NodeEntry node, CancellationToken cancellationToken);

    /// <summary>Target of a link.</summary>
    ValueTask<LinkTargetOutcome> ReadLinkAsync(NodeEntry link, CancellationToken cancellationToken);
}
