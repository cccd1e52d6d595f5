using System.Diagnostics;
using OrleansCache.Files;
using OrleansCache.Metadata;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>
/// The inodes the kernel knows, by node id and by identity, with their lookup counts. A node leaves when the kernel
/// has given every lookup back. Thread-safe: one lock for membership and counts, striped locks for places and
/// attributes; finding by id takes none.
/// </summary>
internal sealed partial class NodeTable
{
    /// <summary>FUSE_ROOT_ID.</summary>
    public const ulong RootId = 1;

    private const int StripeCount = 64;
    private const int FirstBuckets = 1024;

    private readonly Lock _lock = new();
    private readonly Lock[] _stripes = new Lock[StripeCount];
    private readonly SlotTable<FileNode> _byId;
    private readonly LeaseClock _clock;
    private FileNode?[] _buckets = new FileNode?[FirstBuckets];

    /// <summary>A table that holds only the root.</summary>
    /// <param name="root">The directory the mount shows.</param>
    /// <param name="validFor">What is left of its lease.</param>
    /// <param name="clock">Counts leases.</param>
    /// <param name="capacity">
    /// Nodes at most; a lookup beyond it fails with ENFILE's like, so it is far above the trim limit.
    /// </param>
    public NodeTable(NodeEntry root, TimeSpan validFor, LeaseClock clock, int capacity)
    {
        for (var stripe = 0; stripe < StripeCount; stripe++)
        {
            _stripes[stripe] = new Lock();
        }

        _clock = clock;
        _byId = new SlotTable<FileNode>(capacity);
        Root = new FileNode(NodeIdentity.Of(root)) { LookupCount = 1 };
        Root.Id = _byId.Add(Root);
        Debug.Assert(Root.Id == RootId, "The kernel's root is node 1.");
        Apply(Root, root, clock.ExpiryOf(validFor));
        Root.Placed = new PlacedEntry(null, root);
    }

    public FileNode Root { get; }

    /// <summary>Nodes the kernel knows, the root included.</summary>
    public int Count => _byId.Count;

    public int SlotsUsed => _byId.SlotsUsed;

    public FileNode? Find(ulong id) => _byId.Find(id);

    public FileNode? AtSlot(int slot) => _byId.AtSlot(slot);

    /// <summary>
    /// The node of what the view shows, made when it is new, with one lookup more and the place and attributes of now.
    /// </summary>
    /// <returns>Null when the table is full.</returns>
    public FileNode? Intern(FileNode parent, NodeEntry parentEntry, NodeEntry entry, long expiry)
    {
        var identity = NodeIdentity.Of(entry);
        FileNode? node;
        lock (_lock)
        {
            node = FindInBucket(identity);
            if (node is null)
            {
                node = new FileNode(identity) { Parent = parent };
                node.Id = _byId.Add(node);
                if (node.Id == 0)
                {
                    return null;
                }

                AddToBucket(node);
            }

            node.LookupCount++;
        }

        lock (StripeOf(node))
        {
            node.Parent = parent;
            Apply(node, entry, expiry);
            node.Placed = node.Kind == FileKind.Directory ? new PlacedEntry(parentEntry, entry) : null;
        }

        return node;
    }

    /// <summary>The kernel, or an answer it did not take, gives lookups back.</summary>
    public void Forget(ulong id, ulong count)
    {
        lock (_lock)
        {
            if (_byId.Find(id) is not { } node || id == RootId)
            {
                return;
            }

            Debug.Assert(node.LookupCount >= count, "The kernel forgot more lookups than it was given.");
            node.LookupCount -= Math.Min(count, node.LookupCount);
            if (node.LookupCount == 0)
            {
                RemoveFromBucket(node);
                _byId.Remove(id);
            }
        }
    }

    private void AddToBucket(FileNode node)
    {
        if (_byId.Count > _buckets.Length)
        {
            Grow();
        }

        ref var head = ref BucketOf(_buckets, node.Identity);
        node.NextInBucket = head;
        head = node;
    }

    private FileNode? FindInBucket(in NodeIdentity identity)
    {
        var node = BucketOf(_buckets, identity);
        while (node is not null && node.Identity != identity)
        {
            node = node.NextInBucket;
        }

        return node;
    }

    private void RemoveFromBucket(FileNode node)
    {
        ref var link = ref BucketOf(_buckets, node.Identity);
        while (!ReferenceEquals(link, node))
        {
            if (link is null)
            {
                throw new UnreachableException($"node {node.Id} is in no bucket");
            }

            link = ref link.NextInBucket;
        }

        link = node.NextInBucket;
        node.NextInBucket = null;
    }

    private void Grow()
    {
        var larger = new FileNode?[_buckets.Length * 2];
        foreach (var head in _buckets)
        {
            for (var node = head; node is not null;)
            {
                var next = node.NextInBucket;
                ref var place = ref BucketOf(larger, node.Identity);
                node.NextInBucket = place;
                place = node;
                node = next;
            }
        }

        _buckets = larger;
    }

    private static ref FileNode? BucketOf(FileNode?[] buckets, in NodeIdentity identity) =>
        ref buckets[identity.GetHashCode() & (buckets.Length - 1)];

    private Lock StripeOf(FileNode node) => _stripes[node.Id & (StripeCount - 1)];
}
