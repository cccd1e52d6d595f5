using OrleansCache.Files;

namespace OrleansCache.Metadata;

/// <summary>
/// Names and pages with their leases, by path. An entry counts only for the directory (source and identity) it was seen in, so
/// a directory that was replaced does not inherit its predecessor's names.
/// </summary>
internal sealed class NameCache(NamespaceViewOptions options, TimeProvider time)
{
    // Object headers, FileEntry, NodeEntry, dictionary and list nodes, measured roughly; strings are counted apart.
    private const int EntryOverheadBytes = 512;

    private readonly BoundedCache<string, Name> _names = new(options.MaxEntries, options.MaxBytes / 2);
    private readonly BoundedCache<(string Directory, string? After), Page> _pages = new(options.MaxEntries, options.MaxBytes / 2);
    private readonly BoundedCache<string, Listing> _listings = new(options.MaxEntries, options.MaxBytes / 2);

    /// <summary>Names held.</summary>
    public int Count => _names.Count;

    /// <summary>Estimated bytes held.</summary>
    public long Bytes => _names.Bytes + _pages.Bytes;

    /// <summary>A name whose lease lives; the node is null when it is known to be missing.</summary>
    public bool TryGetName(string path, NodeEntry? parent, out NodeEntry? node, out TimeSpan validFor)
    {
        node = null;
        validFor = TimeSpan.Zero;
        if (!_names.TryGet(path, out var name) || (parent is not null && !IsSame(name.Parent, parent)))
        {
            return false;
        }

        node = name.Node;
        validFor = name.Lease.Remaining(time);
        return validFor > TimeSpan.Zero;
    }

    /// <summary>The directory a path was last seen in, whether or not the lease lives.</summary>
    public NodeEntry? ParentOf(string path) => _names.TryGet(path, out var name) ? name.Parent : null;

    /// <summary>Remembers an answer; one without a lease is not remembered, only its directory is.</summary>
    public void PutName(string path, NodeEntry parent, NodeEntry? node, Lease lease) =>
        _names.Put(path, new Name(parent, node, lease), WeightOf(path) + (node is null ? 0 : WeightOf(node)));

    /// <summary>Forgets a name: what it named is gone.</summary>
    public void Forget(NodeEntry node)
    {
        if (_names.TryGet(node.Path, out var name) && name.Node?.Entry.Metadata.Id == node.Entry.Metadata.Id)
        {
            _names.Remove(node.Path);
        }
    }

    /// <summary>A page whose lease lives and that belongs to the newest listing seen.</summary>
    public bool TryGetPage(NodeEntry directory, string? after, out ListOutcome outcome)
    {
        outcome = default;
        if (!_pages.TryGet((directory.Path, after), out var page) || !IsSame(page.Parent, directory)
            || (_listings.TryGet(directory.Path, out var newest) && newest.Version != page.Version))
        {
            return false;
        }

        var validFor = page.Lease.Remaining(time);
        outcome = new ListOutcome(ReadStatus.Ok, page.Nodes, page.Next, validFor);
        return validFor > TimeSpan.Zero;
    }

    /// <summary>Remembers a page, and its entries as names.</summary>
    public void PutPage(NodeEntry directory, string? after, NodeEntry[] nodes, string? next, long version, Lease lease)
    {
        var bytes = WeightOf(directory.Path);
        foreach (var node in nodes)
        {
            PutName(node.Path, directory, node, lease);
            bytes += WeightOf(node);
        }

        _listings.Put(directory.Path, new Listing(version), WeightOf(directory.Path));
        _pages.Put((directory.Path, after), new Page(directory, nodes, next, version, lease), bytes);
    }

    private static bool IsSame(NodeEntry one, NodeEntry other) =>
        one.Entry.Metadata.Id == other.Entry.Metadata.Id && one.Source?.Id == other.Source?.Id;

    private static int WeightOf(string path) => EntryOverheadBytes / 4 + 2 * path.Length;

    private static int WeightOf(NodeEntry node) =>
        EntryOverheadBytes + 2 * (node.Path.Length + node.SourcePath.Length + node.Entry.Name.Length);

    private sealed record Name(NodeEntry Parent, NodeEntry? Node, Lease Lease);

    private sealed record Page(NodeEntry Parent, NodeEntry[] Nodes, string? Next, long Version, Lease Lease);

    private sealed record Listing(long Version);
}
