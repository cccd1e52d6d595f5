namespace OrleansCache.Metadata;

/// <summary>The part that answers from leases only.</summary>
internal sealed partial class NamespaceView : IListedDirectories
{
    /// <inheritdoc/>
    public NodeEntry? DirectoryOf(NodeEntry file) => _cache.ParentOf(file.Path);

    /// <inheritdoc/>
    public bool TryGetPage(NodeEntry directory, string? after, out ListOutcome page)
    {
        page = default;
        return directory.Source is { } source && _sources.TryGet(out var tree, out _) && tree.Has(source)
            && _cache.TryGetPage(directory, after, out page);
    }
}
