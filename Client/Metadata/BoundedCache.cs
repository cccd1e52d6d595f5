using System.Diagnostics.CodeAnalysis;

namespace OrleansCache.Metadata;

/// <summary>Least recently used goes first; bounded in entries and in estimated bytes. Thread-safe: one lock, never held long.</summary>
internal sealed class BoundedCache<TKey, TValue>(int maxEntries, long maxBytes)
    where TKey : notnull
    where TValue : class
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TKey, LinkedListNode<Slot>> _slots = [];
    private readonly LinkedList<Slot> _byUse = new();
    private long _bytes;

    /// <summary>Entries held.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _slots.Count;
            }
        }
    }

    /// <summary>Estimated bytes held.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
            {
                return _bytes;
            }
        }
    }

    /// <summary>Finds a value and marks it as used.</summary>
    public bool TryGet(TKey key, [NotNullWhen(true)] out TValue? value)
    {
        lock (_gate)
        {
            if (!_slots.TryGetValue(key, out var node))
            {
                value = null;
                return false;
            }

            if (!ReferenceEquals(_byUse.First, node))
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
            }

            value = node.Value.Value;
            return true;
        }
    }

    /// <summary>Puts or replaces a value.</summary>
    public void Put(TKey key, TValue value, int bytes)
    {
        lock (_gate)
        {
            RemoveLocked(key);
            if (bytes > maxBytes)
            {
                return;
            }

            _slots.Add(key, _byUse.AddFirst(new Slot(key, value, bytes)));
            _bytes += bytes;
            while (_slots.Count > maxEntries || _bytes > maxBytes)
            {
                RemoveLocked(_byUse.Last!.Value.Key);
            }
        }
    }

    /// <summary>Removes a value, if it is there.</summary>
    public void Remove(TKey key)
    {
        lock (_gate)
        {
            RemoveLocked(key);
        }
    }

    private void RemoveLocked(TKey key)
    {
        if (_slots.Remove(key, out var node))
        {
            _byUse.Remove(node);
            _bytes -= node.Value.Bytes;
        }
    }

    private readonly record struct Slot(TKey Key, TValue Value, int Bytes);
}
