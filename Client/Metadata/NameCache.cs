using OrleansCache.Files;

namespace OrleansCache.Metadata;

/// <summary>
/// Names and pages with their leases, by path. An entry counts only for the directory (source and identity) it was seen in, so
/// a directory that was replaced does not inherit its predecessor's names; and only if nothing it touches changed since it was
/// asked for: every entry carries the <see cref="Stamp"/> of before its question. Thread-safe: one lock for what comes in and
/// for changes; what is looked up takes it only after a change, and then once.
/// </summary>
internal sealed class NameCache(NamespaceViewOptions options, TimeProvider time)
{
    // Object headers, FileEntry, NodeEntry, dictionary and list nodes, measured roughly; strings are counted apart.
    private const int EntryOverheadBytes = 512;

    /// <summary>Directories with a change of their own, under a megabyte of marks: more changed ones than that and all is asked again.</summary>
    private const int MaxMarks = 4096;

    private readonly Lock _gate = new();
    private readonly ChangeMarks _changes = new(MaxMarks);
    private readonly BoundedCache<string, Name> _names = new(options.MaxEntries, options.MaxBytes / 2);
    private readonly BoundedCache<(string Directory, string? After), Page> _pages = new(options.MaxEntries, options.MaxBytes * 3 / 8);
    private readonly BoundedCache<string, ListedNames> _listings = new(options.MaxEntries, options.MaxBytes / 8);

    /// <summary>Names held.</summary>
    public int Count => _names.Count;

    /// <summary>Estimated bytes held.</summary>
    public long Bytes => _names.Bytes + _pages.Bytes + _listings.Bytes;

    /// <summary>Read it before a question is sent: it tells whether the answer is older than a change.</summary>
    public long Stamp => _changes.Last;

    /// <summary>Whether an answer about a name is not older than a change that touches it.</summary>
    public bool IsAnswer(string path, long stamp)
    {
        lock (_gate)
        {
            return _changes.IsAnswer(path, stamp);
        }
    }

    /// <summary>Whether a page of a directory is not older than a change that touches it.</summary>
    public bool IsListing(string directory, long stamp)
    {
        lock (_gate)
        {
            return _changes.IsListing(directory, stamp);
        }
    }

    /// <summary>A name whose lease lives; the node is null when it is known to be missing.</summary>
    public bool TryGetName(string path, NodeEntry? parent, out NodeEntry? node, out TimeSpan validFor)
    {
        node = null;
        validFor = TimeSpan.Zero;
        if (!_names.TryGet(path, out var name) || (parent is not null && !IsSame(name.Parent, parent)) || !IsCurrent(path, name))
        {
            return false;
        }

        node = name.Node;
        validFor = name.Lease.Remaining(time);
        return validFor > TimeSpan.Zero;
    }

    /// <summary>Whether a listing says, by a lease that lives, that there is no such name.</summary>
    public bool IsListedAbsent(NodeEntry directory, ReadOnlySpan<char> name, out TimeSpan validFor)
    {
        validFor = TimeSpan.Zero;
        if (!_listings.TryGet(directory.Path, out var listing) || !listing.Lacks(name) || !IsSame(listing.Parent, directory))
        {
            return false;
        }

        lock (_gate)
        {
            if (!_changes.IsListing(directory.Path, listing.Stamp))
            {
                return false;
            }

            listing.Stamp = _changes.Last;
        }

        validFor = listing.Lease.Remaining(time);
        return validFor > TimeSpan.Zero;
    }

    /// <summary>The directory a path was last seen in, whether or not the lease lives.</summary>
    public NodeEntry? ParentOf(string path) => _names.TryGet(path, out var name) ? name.Parent : null;

    /// <summary>Remembers an answer; one without a lease is not remembered, only its directory is.</summary>
    /// <returns>False when it changed since it was asked for: good for this once.</returns>
    public bool PutName(string path, NodeEntry parent, NodeEntry? node, Lease lease, long stamp)
    {
        lock (_gate)
        {
            var isCurrent = _changes.IsAnswer(path, stamp);
            if (isCurrent || !_names.TryGet(path, out _))
            {
                PutLocked(path, parent, node, isCurrent ? lease : default, stamp);
            }

            return isCurrent;
        }
    }

    /// <summary>Forgets a name: what it named is gone.</summary>
    public void Forget(NodeEntry node)
    {
        if (_names.TryGet(node.Path, out var name) && name.Node?.Entry.Metadata.Id == node.Entry.Metadata.Id)
        {
            _names.Remove(node.Path);
        }
    }

    /// <summary>Forgets what changed. Costs the same for a name and for a subtree.</summary>
    public void Forget(NamespaceChange change)
    {
        lock (_gate)
        {
            _changes.Add(change);
            if (change.IsAnyName)
            {
                return;
            }

            foreach (var name in change.Names)
            {
                var path = NamespacePath.Combine(change.Directory, name);
                if (_names.TryGet(path, out var known))
                {
                    PutLocked(path, known.Parent, known.Node, default, _changes.Last);
                }
            }
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

        lock (_gate)
        {
            if (!_changes.IsListing(directory.Path, page.Stamp))
            {
                return false;
            }
        }

        var validFor = page.Lease.Remaining(time);
        outcome = new ListOutcome(ReadStatus.Ok, page.Nodes, page.Next, validFor) { Unreachable = page.Unreachable };
        return validFor > TimeSpan.Zero;
    }

    /// <summary>Remembers a page, and its entries as names.</summary>
    /// <returns>False when something changed since it was asked for: good for this once.</returns>
    public bool PutPage(NodeEntry directory, string? after, ListOutcome outcome, NodeEntry[] nodes, long version, Lease lease, long stamp)
    {
        lock (_gate)
        {
            if (!_changes.IsListing(directory.Path, stamp))
            {
                return false;
            }

            var bytes = WeightOf(directory.Path);
            foreach (var node in nodes)
            {
                PutLocked(node.Path, directory, node, lease, stamp);
                bytes += WeightOf(node);
            }

            var listing = after is not null && _listings.TryGet(directory.Path, out var known)
                && known.Version == version && IsSame(known.Parent, directory)
                    ? known
                    : new ListedNames(directory, version);
            listing.Add(after, nodes, outcome.Next, lease, stamp);
            _listings.Put(directory.Path, listing, WeightOf(directory.Path) + (sizeof(int) * listing.Count));
            _pages.Put(
                (directory.Path, after), new Page(directory, nodes, outcome.Next, outcome.Unreachable, version, lease, stamp), bytes);
            return true;
        }
    }

    private void PutLocked(string path, NodeEntry parent, NodeEntry? node, Lease lease, long stamp) =>
        _names.Put(path, new Name(parent, node, lease) { Stamp = stamp }, WeightOf(path) + (node is null ? 0 : WeightOf(node)));

    private bool IsCurrent(string path, Name name)
    {
        if (name.Stamp >= _changes.Last)
        {
            return true;
        }

        lock (_gate)
        {
            if (!_changes.IsRemembered(path, name.Stamp))
            {
                return false;
            }

            name.Stamp = _changes.Last; // Judged once for each change, not at each look.
            return true;
        }
    }

    private static bool IsSame(NodeEntry one, NodeEntry other) =>
        one.Entry.Metadata.Id == other.Entry.Metadata.Id && one.Source?.Id == other.Source?.Id;

    private static int WeightOf(string path) => EntryOverheadBytes / 4 + 2 * path.Length;

    private static int WeightOf(NodeEntry node) =>
        EntryOverheadBytes + 2 * (node.Path.Length + node.SourcePath.Length + node.Entry.Name.Length);

    private sealed record Name(NodeEntry Parent, NodeEntry? Node, Lease Lease)
    {
        private long _stamp;

        public long Stamp
        {
            get => Volatile.Read(ref _stamp);
            set => Volatile.Write(ref _stamp, value);
        }
    }

    private sealed record Page(
        NodeEntry Parent, NodeEntry[] Nodes, string? Next, IReadOnlyList<string> Unreachable, long Version, Lease Lease, long Stamp);
}
