using OrleansCache.Files;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Metadata;
using OrleansCache.Namespaces;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>Where nodes are and what they look like.</summary>
internal sealed partial class NodeTable
{
    /// <summary>PATH_MAX in segments; deeper can only be a loop made by renames that crossed.</summary>
    private const int DepthMax = 2048;

    /// <summary>
    /// The view's entry of a node at the place where it was last seen, without the seal (RefreshAsync brings a fresh
    /// one).
    /// </summary>
    /// <returns>Null when renames crossed so that the node has no path from the root: look the name up again.</returns>
    public NodeEntry? EntryOf(FileNode node) => EntryOf(node, 0);

    /// <summary>Attributes and when they end.</summary>
    public (FuseAttributes Attributes, long Expiry) AttributesOf(FileNode node)
    {
        lock (StripeOf(node))
        {
            return (NodeAttributes.Of(node), node.Expiry);
        }
    }

    /// <summary>Its attributes are asked for again before they are shown.</summary>
    public void Expire(FileNode node)
    {
        lock (StripeOf(node))
        {
            node.Expiry = 0;
        }
    }

    /// <summary>Where a node was last seen; no parent for the root.</summary>
    public (FileNode? Parent, string Name) PlaceOf(FileNode node)
    {
        lock (StripeOf(node))
        {
            return (node.Parent, node.Name);
        }
    }

    /// <summary>Takes over what the view says of the node's place now.</summary>
    /// <returns>False when another version or another file is there: the node keeps what it had.</returns>
    public bool TryUpdate(FileNode node, NodeEntry entry, long expiry)
    {
        var isRoot = node.Id == RootId;
        if (isRoot ? entry.Kind != FileKind.Directory : NodeIdentity.Of(entry) != node.Identity)
        {
            return false;
        }

        lock (StripeOf(node))
        {
            Apply(node, entry, expiry);
            if (isRoot)
            {
                node.Placed = new PlacedEntry(null, entry);
            }
        }

        return true;
    }

    private NodeEntry? EntryOf(FileNode node, int depth)
    {
        if (depth > DepthMax)
        {
            return null;
        }

        FileNode? parent;
        PlacedEntry? placed;
        lock (StripeOf(node))
        {
            (parent, placed) = (node.Parent, node.Placed);
        }

        if (parent is null)
        {
            return placed!.Entry;
        }

        var parentEntry = EntryOf(parent, depth + 1);
        if (parentEntry is null || (placed is not null && ReferenceEquals(placed.ParentEntry, parentEntry)))
        {
            return parentEntry is null ? null : placed!.Entry;
        }

        lock (StripeOf(node))
        {
            var entry = Build(node, parentEntry);
            if (node.Kind == FileKind.Directory && ReferenceEquals(node.Parent, parent))
            {
                node.Placed = new PlacedEntry(parentEntry, entry);
            }

            return entry;
        }
    }

    private static NodeEntry Build(FileNode node, NodeEntry parent)
    {
        var path = parent.Path == "/" ? "/" + node.Name : $"{parent.Path}/{node.Name}";
        var sourcePath = node.Source is null || !IsSame(node.Source, parent.Source) ? ""
            : parent.SourcePath.Length == 0 ? node.Name
            : $"{parent.SourcePath}/{node.Name}";
        return new NodeEntry(path, node.Source, sourcePath, new FileEntry
        {
            Name = node.Name,
            Key = node.Kind == FileKind.File ? node.Key : default,
            BlockSizeBytes = node.BlockSizeBytes,
            Metadata = new FileMetadata
            {
                Id = node.File,
                Kind = node.Kind,
                Version = new FileVersion(node.LengthBytes, node.ModifiedNs, node.ChangedNs, node.ETag),
                Mode = node.Mode,
                Uid = node.Uid,
                Gid = node.Gid,
                Links = node.Links,
                AccessedNs = node.AccessedNs,
                DeviceNumber = node.DeviceNumber,
            },
        });
    }

    private static bool IsSame(SourceInfo source, SourceInfo? other) => other is not null && source.Id == other.Id;

    private static void Apply(FileNode node, NodeEntry entry, long expiry)
    {
        var metadata = entry.Entry.Metadata;
        node.Name = entry.Entry.Name;
        node.Source = entry.Source;
        node.ETag = metadata.Version.ETag;
        node.LengthBytes = metadata.Version.LengthBytes;
        node.ModifiedNs = metadata.Version.ModifiedNs;
        node.ChangedNs = metadata.Version.ChangedNs;
        node.AccessedNs = metadata.AccessedNs;
        node.Mode = metadata.Mode;
        node.Uid = metadata.Uid;
        node.Gid = metadata.Gid;
        node.Links = metadata.Links;
        node.DeviceNumber = (uint)metadata.DeviceNumber;
        node.BlockSizeBytes = entry.Entry.BlockSizeBytes;
        node.Expiry = expiry;
    }
}
