using System.Collections.Immutable;
using OrleansCache.Metadata;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>What some changes together mean for each directory the kernel knows. Used by one thread.</summary>
internal sealed class ChangedDirectories
{
    private readonly Dictionary<string, ChangedNames> _byPath = new(StringComparer.Ordinal);
    private readonly HashSet<string> _subtrees = new(StringComparer.Ordinal);
    private readonly Dictionary<FileNode, ChangedNames?> _known = [];
    private readonly NodeTable _nodes;

    public ChangedDirectories(IEnumerable<NamespaceChange> changes, NodeTable nodes)
    {
        _nodes = nodes;
        foreach (var change in changes)
        {
            if (change.IsSubtree)
            {
                _subtrees.Add(change.Directory);
                if (change.Directory != NamespacePath.Root)
                {
                    At(NamespacePath.ParentOf(change.Directory)).Add([NamespacePath.NameOf(change.Directory)]);
                }
            }
            else
            {
                At(change.Directory).Add(change.Names);
            }
        }
    }

    /// <summary>What changed in a directory; null for nothing.</summary>
    public ChangedNames? In(FileNode directory)
    {
        if (!_known.TryGetValue(directory, out var changed))
        {
            changed = Find(directory);
            _known.Add(directory, changed);
        }

        return changed;
    }

    private ChangedNames? Find(FileNode directory)
    {
        if (_nodes.EntryOf(directory) is not { } entry)
        {
            return null;
        }

        for (var path = entry.Path; _subtrees.Count > 0; path = NamespacePath.ParentOf(path))
        {
            if (_subtrees.Contains(path))
            {
                return ChangedNames.All;
            }

            if (path == NamespacePath.Root)
            {
                break;
            }
        }

        return _byPath.GetValueOrDefault(entry.Path);
    }

    private ChangedNames At(string path)
    {
        if (!_byPath.TryGetValue(path, out var changed))
        {
            _byPath.Add(path, changed = new ChangedNames());
        }

        return changed;
    }
}

/// <summary>Which names of one directory changed.</summary>
internal sealed class ChangedNames
{
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private bool _isAny;

    /// <summary>Any of them may have.</summary>
    public static ChangedNames All { get; } = new() { _isAny = true };

    /// <summary>Those that are known by name.</summary>
    public IReadOnlyCollection<string> Named => _names;

    /// <summary>Whether a name may have changed without being among <see cref="Named"/>.</summary>
    public bool IsAny => _isAny;

    public bool Contains(string name) => _isAny || _names.Contains(name);

    public void Add(ImmutableArray<string> names)
    {
        _isAny |= names.IsDefaultOrEmpty;
        _names.UnionWith(names.IsDefault ? [] : names);
    }
}
