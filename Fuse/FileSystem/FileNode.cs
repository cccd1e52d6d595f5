using OrleansCache.Files;
using OrleansCache.Metadata;
using OrleansCache.Namespaces;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>
/// One kernel inode: identity, the place where it was last seen, attributes. The kernel may hold a million of these,
/// so the fields are packed and the path is made from the parents when it is needed. Only <see cref="NodeTable"/>
/// changes it, under its lock for the lookup count and the chain, under the node's stripe for the rest.
/// </summary>
internal sealed class FileNode(NodeIdentity identity)
{
    public readonly FileId File = identity.File;
    public readonly FileKey Key = identity.Key;
    public readonly FileKind Kind = identity.Kind;

    /// <summary>The node id; set once, before the kernel hears of it.</summary>
    public ulong Id;

    // Guarded by the table's lock.
    public ulong LookupCount;
    public FileNode? NextInBucket;

    // Where it was last seen. Null parent: the root of the mount.
    public FileNode? Parent;
    public string Name = "";
    public SourceInfo? Source;

    // Attributes and version.
    public string? ETag;
    public long LengthBytes;
    public long ModifiedNs;
    public long ChangedNs;
    public long AccessedNs;

    /// <summary>Until when the attributes may be shown without asking, in ticks of the time provider.</summary>
    public long Expiry;
    public uint Mode;
    public uint Uid;
    public uint Gid;
    public uint Links;
    public uint DeviceNumber;
    public int BlockSizeBytes;

    /// <summary>Open handles; counted with interlocked operations.</summary>
    public int Opens;

    /// <summary>Directories only: the view's entry as last built, with the parent's entry it was built from.</summary>
    public PlacedEntry? Placed;

    public NodeIdentity Identity => new(File, Key, Kind);
}

/// <summary>
/// A directory's entry and the parent's entry its path was made from; good as long as both are the current ones.
/// </summary>
internal sealed record PlacedEntry(NodeEntry? ParentEntry, NodeEntry Entry);
