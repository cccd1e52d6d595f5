using OrleansCache.BlockStore.Index;

namespace OrleansCache.BlockStore.Eviction;

/// <summary>
/// The extents of cache files as items: up to 64 MiB of consecutive blocks each, so that a large file is given up in parts, and
/// what is remembered of it stays small. Called under the gates of files.
/// </summary>
internal sealed class ExtentItems(CacheItems items, IExtentHost host) : IItemOwner
{
    private const int ExtentBytes = 64 << 20;

    private readonly Lock _gate = new();
    private readonly Dictionary<uint, (CachedFile File, int Extent)> _files = [];

    public static int BlocksPerExtent(FileShape shape) => Math.Max(1, ExtentBytes / shape.Layout.BlockSizeBytes);

    public uint Added(CachedFile file, int extent, long bytes)
    {
        var item = items.Added(file.Shape.Key, extent, file.Shape.Source, bytes, this);
        lock (_gate)
        {
            _files.Add(item, (file, extent));
        }

        return item;
    }

    /// <summary>An extent grew or shrank; false if nothing of it is left: the item is gone.</summary>
    public bool Resized(uint item, long deltaBytes)
    {
        var bytes = items.BytesOf(item) + deltaBytes;
        if (bytes > 0)
        {
            items.Resized(item, bytes);
            return true;
        }

        lock (_gate)
        {
            _files.Remove(item); // Before the id can be another's.
        }

        items.Removed(item);
        return false;
    }

    public void Touch(uint item) => items.Touch(item);

    public (long LeavingBytes, Task Recorded) TryEvict(uint item, long bytesWanted)
    {
        (CachedFile File, int Extent) found;
        lock (_gate)
        {
            if (!_files.TryGetValue(item, out found))
            {
                return (0, Task.CompletedTask);
            }
        }

        return host.TryEvict(found.File, found.Extent, bytesWanted);
    }
}

/// <summary>The store, which gives extents up.</summary>
internal interface IExtentHost
{
    /// <summary>See <see cref="IItemOwner.TryEvict"/>.</summary>
    (long LeavingBytes, Task Recorded) TryEvict(CachedFile file, int extent, long bytesWanted);
}
