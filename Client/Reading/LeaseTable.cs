using OrleansCache.Files;
using OrleansCache.Metadata;

namespace OrleansCache.Reading;

/// <summary>
/// The files of this process: readers of one key share one <see cref="SharedFile"/> with one lease. Files nobody reads keep
/// their lease for a moment, least recently used first out: what is leased is not evicted. Bounds the descriptors.
/// Thread-safe; closing a descriptor is all that happens under its lock.
/// </summary>
/// <param name="maxLeases">Descriptors at a time.</param>
/// <param name="maxIdle">Of those, for files nobody reads.</param>
/// <param name="idleFor">How long a file keeps its lease that nobody reads; see <see cref="CloseLongIdle"/>.</param>
/// <param name="time">The clock.</param>
/// <param name="onRemoved">Told under the lock about each file that leaves, with its last unreported reads.</param>
internal sealed class LeaseTable(
    int maxLeases, int maxIdle, TimeSpan idleFor, TimeProvider time, Action<SharedFile> onRemoved)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<FileKey, SharedFile> _files = [];
    private readonly LinkedList<SharedFile> _idle = new();
    private int _leases;

    /// <summary>Descriptors leased now.</summary>
    public int Leases => Volatile.Read(ref _leases);

    /// <summary>Files known now.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _files.Count;
            }
        }
    }

    /// <summary>The shared file of a node's key, made when there is none; the caller gives it back.</summary>
    public SharedFile Acquire(NodeEntry node, Func<NodeEntry, SharedFile> make)
    {
        lock (_gate)
        {
            if (!_files.TryGetValue(node.Entry.Key, out var file))
            {
                file = make(node);
                _files.Add(node.Entry.Key, file);
            }

            if (file.IdleNode is { } idle)
            {
                _idle.Remove(idle);
                file.IdleNode = null;
            }

            if (file.Readers++ == 0)
            {
                file.OnOpened();
            }

            file.UseNode(node);
            return file;
        }
    }

    /// <summary>One reader less.</summary>
    public void Release(SharedFile file)
    {
        lock (_gate)
        {
            if (--file.Readers > 0)
            {
                return;
            }

            file.OnClosed();
            if (file.Lease is null)
            {
                Remove(file);
                return;
            }

            file.IdleSince = time.GetTimestamp();
            file.IdleNode = _idle.AddFirst(file);
            if (_idle.Count > maxIdle)
            {
                RemoveOldestIdle();
            }
        }
    }

    /// <summary>Asks for room for one more descriptor, closing an idle one if need be.</summary>
    public bool TryReserveLease()
    {
        lock (_gate)
        {
            if (Leases >= maxLeases && _idle.Count > 0)
            {
                RemoveOldestIdle();
            }

            if (Leases >= maxLeases)
            {
                return false;
            }

            Interlocked.Increment(ref _leases);
            return true;
        }
    }

    /// <summary>A descriptor was closed, or not taken after all.</summary>
    public void ReturnLease() => Interlocked.Decrement(ref _leases);

    /// <summary>All files, for reports.</summary>
    public SharedFile[] Snapshot()
    {
        lock (_gate)
        {
            return [.. _files.Values];
        }
    }

    /// <summary>Closes what has been idle for too long; called from time to time.</summary>
    public void CloseLongIdle()
    {
        lock (_gate)
        {
            while (_idle.Last is { } last && time.GetElapsedTime(last.Value.IdleSince) >= idleFor)
            {
                RemoveOldestIdle();
            }
        }
    }

    /// <summary>Closes what is idle: the process lets go.</summary>
    public void CloseIdle()
    {
        lock (_gate)
        {
            while (_idle.Count > 0)
            {
                RemoveOldestIdle();
            }
        }
    }

    private void RemoveOldestIdle()
    {
        var oldest = _idle.Last!.Value;
        _idle.RemoveLast();
        oldest.IdleNode = null;
        Remove(oldest);
    }

    private void Remove(SharedFile file)
    {
        _files.Remove(file.Key);
        file.Dispose();
        onRemoved(file);
    }
}
