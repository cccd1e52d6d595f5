using OrleansCache.Files;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Metadata;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>From the view's attributes to the kernel's. Pure.</summary>
internal static class NodeAttributes
{
    /// <summary>What the root of every mount has as <c>st_ino</c>.</summary>
    public const ulong RootInode = 1;

    /// <summary>
    /// <c>st_blksize</c>. Not the block size of the source: programs allocate buffers of this size, and 4 MiB each
    /// would cost a reader of small files more than it saves.
    /// </summary>
    private const uint PreferredBytes = 4096;

    private const long NanosecondsPerSecond = 1_000_000_000;
    private const int UnitBytes = 512;

    /// <summary>Attributes of a node. The caller holds the node's stripe.</summary>
    public static FuseAttributes Of(FileNode node)
    {
        var attributes = new FuseAttributes
        {
            Inode = node.Parent is null ? RootInode : node.File.InodeNumber,
            SizeBytes = (ulong)node.LengthBytes,
            Blocks = (ulong)((node.LengthBytes + UnitBytes - 1) / UnitBytes),
            Mode = ModeOf(node.Kind, node.Mode),
            LinkCount = Math.Max(1, node.Links),
            Uid = node.Uid,
            Gid = node.Gid,
            DeviceId = node.DeviceNumber,
            BlockSizeBytes = PreferredBytes,
        };
        (attributes.AccessSeconds, attributes.AccessNanoseconds) = Split(node.AccessedNs);
        (attributes.ModifySeconds, attributes.ModifyNanoseconds) = Split(node.ModifiedNs);
        var changedNs = node.ChangedNs != 0 ? node.ChangedNs : node.ModifiedNs; // A store may have only one time.
        (attributes.ChangeSeconds, attributes.ChangeNanoseconds) = Split(changedNs);
        return attributes;
    }

    /// <summary>The inode number a directory entry shows.</summary>
    public static ulong InodeOf(NodeEntry entry) => entry.Entry.Metadata.Id.InodeNumber;

    /// <summary>Mode whose type bits agree with the kind, whatever the under storage said.</summary>
    public static uint ModeOf(FileKind kind, uint mode) => kind switch
    {
        FileKind.File => (mode & ~FuseMode.TypeMask) | FuseMode.Regular,
        FileKind.Directory => (mode & ~FuseMode.TypeMask) | FuseMode.Directory,
        FileKind.Symlink => (mode & ~FuseMode.TypeMask) | FuseMode.Symlink,
        _ => mode,
    };

    private static (ulong Seconds, uint Nanoseconds) Split(long nanoseconds)
    {
        var seconds = Math.DivRem(nanoseconds, NanosecondsPerSecond, out var rest);
        if (rest < 0)
        {
            seconds--; // Before 1970 the nanoseconds still count forwards.
            rest += NanosecondsPerSecond;
        }

        return ((ulong)seconds, (uint)rest);
    }
}
