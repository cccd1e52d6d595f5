using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.Metadata;

/// <summary>
/// One version of the namespace's table as a tree: the roots of the sources and the directories above them, which exist only
/// because a source lies below. Immutable.
/// </summary>
internal sealed class SourceTree
{
    // Directories of the namespace itself: nobody writes there.
    private const uint VirtualMode = 0x4000 | 0x16D; // S_IFDIR | 0555
    private const ulong VirtualIdHigh = 0x6F63_6163_6865_0001; // "ocache", layout 1: no driver makes ids like this

    private readonly Dictionary<string, NodeEntry> _places = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<NodeEntry>> _children = new(StringComparer.Ordinal);

    public SourceTree(NamespaceTable table)
    {
        Table = table;
        foreach (var source in table.Sources)
        {
            Add(new NodeEntry(source.Path, source, string.Empty, new FileEntry
            {
                Name = NamespacePath.NameOf(source.Path),
                Metadata = source.Root,
                BlockSizeBytes = source.Options.BlockSizeBytes,
            }));
        }

        if (!_places.ContainsKey(NamespacePath.Root))
        {
            _places.Add(NamespacePath.Root, MakeVirtual(NamespacePath.Root));
        }

        foreach (var children in _children.Values)
        {
            children.Sort(static (a, b) => string.CompareOrdinal(a.Entry.Name, b.Entry.Name));
        }
    }

    /// <summary>What the tree was made from.</summary>
    public NamespaceTable Table { get; }

    /// <summary>The root: a directory of the namespace, or a source that is attached there.</summary>
    public NodeEntry Root => _places[NamespacePath.Root];

    /// <summary>A source's root or a directory above one; null for anything else.</summary>
    public NodeEntry? Find(string path) => _places.GetValueOrDefault(path);

    /// <summary>What lies directly in a directory of the namespace, in ordinal order.</summary>
    public IReadOnlyList<NodeEntry> ChildrenOf(string path) => _children.TryGetValue(path, out var children) ? children : [];

    /// <summary>Whether a source is still attached where it was.</summary>
    public bool Has(SourceInfo source) =>
        _places.TryGetValue(source.Path, out var place) && place.Source is { } now && now.Id == source.Id;

    private void Add(NodeEntry node)
    {
        if (!_places.TryAdd(node.Path, node))
        {
            return;
        }

        if (node.Path == NamespacePath.Root)
        {
            return;
        }

        var parent = NamespacePath.ParentOf(node.Path);
        if (!_children.TryGetValue(parent, out var children))
        {
            _children.Add(parent, children = []);
        }

        children.Add(node);
        if (!_places.ContainsKey(parent))
        {
            Add(MakeVirtual(parent));
        }
    }

    private static NodeEntry MakeVirtual(string path)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(path), hash);
        return new NodeEntry(path, null, string.Empty, new FileEntry
        {
            Name = NamespacePath.NameOf(path),
            Metadata = new FileMetadata
            {
                Id = new FileId(VirtualIdHigh, BinaryPrimitives.ReadUInt64BigEndian(hash)),
                Kind = FileKind.Directory,
                Version = default,
                Mode = VirtualMode,
                Links = 2,
            },
        });
    }
}
