using System.Runtime.InteropServices;

namespace OrleansCache.Metadata;

/// <summary>
/// When which part of the namespace changed last, in the order this process heard of it. What was asked for before a change that
/// touches it is not current: a change costs one mark however much it touches, and who looks something up pays with its depth.
/// Bounded: too many marks become one for everything. Guarded by its owner's lock, except <see cref="Last"/>.
/// </summary>
internal sealed class ChangeMarks(int maxMarks)
{
    private readonly Dictionary<string, Mark> _marks = new(StringComparer.Ordinal);
    private long _last;
    private long _everything;
    private bool _hasSubtrees;

    /// <summary>The stamp of what is asked for now.</summary>
    public long Last => Volatile.Read(ref _last);

    /// <summary>Notes a change: what has a stamp of before is judged by it from now on.</summary>
    public void Add(NamespaceChange change)
    {
        var stamp = _last + 1;
        ref var mark = ref CollectionsMarshal.GetValueRefOrAddDefault(_marks, change.Directory, out _);
        mark.AnyPart = stamp;
        mark.AllNames = change.IsAnyName ? stamp : mark.AllNames;
        mark.Subtree = change.IsSubtree ? stamp : mark.Subtree;
        _hasSubtrees |= change.IsSubtree;
        if (_marks.Count > maxMarks)
        {
            _marks.Clear();
            _hasSubtrees = false;
            _everything = stamp;
        }

        Volatile.Write(ref _last, stamp);
    }

    /// <summary>Whether a name that was remembered is current. Names that changed by themselves are its owner's business.</summary>
    public bool IsRemembered(string path, long stamp) => IsCurrent(path, stamp, NamespacePath.ParentOf(path), byName: true);

    /// <summary>Whether an answer about a name, asked for at a stamp, may still be remembered: not if anything in its directory changed.</summary>
    public bool IsAnswer(string path, long stamp) => IsCurrent(path, stamp, NamespacePath.ParentOf(path), byName: false);

    /// <summary>Whether a page or the whole listing of a directory is current.</summary>
    public bool IsListing(string directory, long stamp) => IsCurrent(directory, stamp, directory, byName: false);

    private bool IsCurrent(string path, long stamp, string directory, bool byName)
    {
        if (stamp >= _last)
        {
            return true;
        }

        if (stamp < _everything)
        {
            return false;
        }

        if (_marks.TryGetValue(directory, out var mark) && (byName ? mark.AllNames : mark.AnyPart) > stamp)
        {
            return false;
        }

        return !_hasSubtrees || !IsBelowChange(path, stamp);
    }

    private bool IsBelowChange(ReadOnlySpan<char> path, long stamp)
    {
        var marks = _marks.GetAlternateLookup<ReadOnlySpan<char>>();
        while (true)
        {
            if (marks.TryGetValue(path, out var mark) && mark.Subtree > stamp)
            {
                return true;
            }

            if (path.Length <= 1)
            {
                return false;
            }

            var slash = path.LastIndexOf('/');
            path = slash <= 0 ? NamespacePath.Root : path[..slash];
        }
    }

    /// <summary>Stamps of the last changes of one directory; zero = never.</summary>
    private struct Mark
    {
        public long AnyPart;
        public long AllNames;
        public long Subtree;
    }
}
