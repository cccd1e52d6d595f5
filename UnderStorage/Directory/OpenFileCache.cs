using OrleansCache.Files;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>
/// The files a source read last, still open, so that sequential fills do not open a file per piece. Bounded, least recently used
/// out first, closed after <see cref="IdleLimit"/> so that nothing keeps a deleted file or a mount alive. A file that leaves the
/// cache while a read uses it stays open for that read. Thread-safe.
/// </summary>
internal sealed class OpenFileCache : IDisposable
{
    /// <summary>Longer than the gap between two blocks of one fill, shorter than an operator's patience before umount.</summary>
    public static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(10);

    private readonly Dictionary<FileId, LinkedListNode<(OpenFile File, long UsedAt)>> _byId = [];
    private readonly LinkedList<(OpenFile File, long UsedAt)> _newestFirst = new();
    private readonly Lock _gate = new();
    private readonly int _capacity;
    private readonly TimeProvider _time;
    private readonly ITimer _sweeper;
    private bool _disposed;

    public OpenFileCache(int capacity, TimeProvider time)
    {
        (_capacity, _time) = (capacity, time);
        _sweeper = time.CreateTimer(_ => CloseIdle(), null, IdleLimit, IdleLimit);
    }

    /// <summary>Files open now.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _byId.Count;
            }
        }
    }

    /// <summary>The open file of this identity, held for the caller, or null.</summary>
    public OpenFile? TryGet(FileId id)
    {
        lock (_gate)
        {
            if (!_byId.TryGetValue(id, out var node))
            {
                return null;
            }

            _newestFirst.Remove(node);
            node.ValueRef.UsedAt = _time.GetTimestamp();
            _newestFirst.AddFirst(node);
            node.Value.File.Hold();
            return node.Value.File;
        }
    }

    /// <summary>Keeps a file; one of the same identity is replaced.</summary>
    public void Put(OpenFile file)
    {
        lock (_gate)
        {
            Remove(file.Id);
            if (_disposed)
            {
                return;
            }

            file.Hold();
            _byId[file.Id] = _newestFirst.AddFirst((file, _time.GetTimestamp()));
            while (_byId.Count > _capacity)
            {
                Remove(_newestFirst.Last!.Value.File.Id);
            }
        }
    }

    /// <summary>Forgets a file that proved to be of no use.</summary>
    public void Drop(OpenFile file)
    {
        lock (_gate)
        {
            if (_byId.TryGetValue(file.Id, out var node) && ReferenceEquals(node.Value.File, file))
            {
                Remove(file.Id);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sweeper.Dispose();
        lock (_gate)
        {
            _disposed = true;
            while (_newestFirst.Last is { } oldest)
            {
                Remove(oldest.Value.File.Id);
            }
        }
    }

    private void CloseIdle()
    {
        lock (_gate)
        {
            while (_newestFirst.Last is { } oldest && _time.GetElapsedTime(oldest.Value.UsedAt) >= IdleLimit)
            {
                Remove(oldest.Value.File.Id);
            }
        }
    }

    private void Remove(FileId id)
    {
        if (_byId.Remove(id, out var node))
        {
            _newestFirst.Remove(node);
            node.Value.File.Release();
        }
    }
}
