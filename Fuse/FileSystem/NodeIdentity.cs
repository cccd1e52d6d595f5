using OrleansCache.Files;
using OrleansCache.Metadata;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>
/// What a kernel inode stands for: one version of one file (its key), one state of a link (the kernel keeps its
/// target) or a device, or a directory whatever its version. Page cache, size and mappings belong to the inode, so
/// two versions of a file must differ here.
/// </summary>
internal readonly record struct NodeIdentity(FileId File, FileKey Key, FileKind Kind)
{
    /// <summary>The identity of what the view shows.</summary>
    public static NodeIdentity Of(NodeEntry entry)
    {
        var version = entry.Entry.Metadata.Version;
        var key = entry.Kind switch
        {
            FileKind.File => entry.Entry.Key,
            FileKind.Directory => default,
            _ => new FileKey((ulong)version.ModifiedNs, (ulong)version.ChangedNs),
        };
        return new NodeIdentity(entry.Entry.Metadata.Id, key, entry.Kind);
    }

    /// <summary>False for a file without a key: nothing would tell its versions apart.</summary>
    public bool IsUsable => Kind != FileKind.File || Key != default;
}
