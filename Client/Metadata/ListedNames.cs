namespace OrleansCache.Metadata;

/// <summary>
/// What the pages of one directory say together: the version of its newest listing and, once every page of that one came in
/// order, which names it does not have. Names are kept as hashes: one that is not among them is not there, one that is may be.
/// The pages tile the directory, so an absence is as good as the page it would be on: the shortest lease counts. Guarded by its
/// owner's lock until it is complete, immutable from then on but for the stamp.
/// </summary>
internal sealed class ListedNames(NodeEntry parent, long version)
{
    private List<int>? _collected;
    private int[]? _hashes;
    private string? _awaited;

    /// <summary>The directory it is of.</summary>
    public NodeEntry Parent => parent;

    /// <summary>Version of the listing.</summary>
    public long Version => version;

    /// <summary>The stamp of the page asked for first.</summary>
    public long Stamp { get; set; }

    /// <summary>The lease that ends first.</summary>
    public Lease Lease { get; private set; }

    /// <summary>Whether all pages are in it.</summary>
    public bool IsComplete => Volatile.Read(ref _hashes) is not null;

    /// <summary>Names held.</summary>
    public int Count => _hashes?.Length ?? _collected?.Count ?? 0;

    /// <summary>Takes a page if it is the one awaited.</summary>
    public void Add(string? after, NodeEntry[] nodes, string? next, Lease lease, long stamp)
    {
        if (IsComplete || (after is null ? _collected is not null : _collected is null || _awaited != after))
        {
            return;
        }

        (Lease, Stamp) = _collected is null
            ? (lease, stamp)
            : (new Lease(Math.Min(Lease.EndsAt, lease.EndsAt)), Math.Min(Stamp, stamp));
        _collected ??= [];
        foreach (var node in nodes)
        {
            _collected.Add(string.GetHashCode(node.Entry.Name, StringComparison.Ordinal));
        }

        _awaited = next;
        if (next is null)
        {
            int[] hashes = [.. _collected];
            Array.Sort(hashes);
            _collected = null;
            Volatile.Write(ref _hashes, hashes);
        }
    }

    /// <summary>
    /// Whether the directory has no such name for certain. Names with a percent sign may be escapes that go on to mean a key when no
    /// listing shows them any more (docs/SEMANTICS.md 8.3).
    /// </summary>
    public bool Lacks(ReadOnlySpan<char> name) => !name.Contains('%') &&
        Volatile.Read(ref _hashes) is { } hashes && Array.BinarySearch(hashes, string.GetHashCode(name, StringComparison.Ordinal)) < 0;
}
