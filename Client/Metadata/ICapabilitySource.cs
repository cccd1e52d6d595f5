namespace OrleansCache.Metadata;

/// <summary>Gets fresh rights for a place whose capability was refused.</summary>
internal interface ICapabilitySource
{
    /// <summary>The place as the grain sees it now, past every lease of this process.</summary>
    ValueTask<NodeOutcome> RenewAsync(NodeEntry node, CancellationToken cancellationToken);
}
