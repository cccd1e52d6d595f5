using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using OrleansCache.Files;
using OrleansCache.Silo.Telemetry;

namespace OrleansCache.Silo.Serving;

/// <summary>
/// What peers were allowed to read: the newest capability of each FileKey, for a bounded number of keys. When it is full the
/// clock hand drops an entry that was not used since it passed last (an approximation of LRU whose look-ups write one flag).
/// Look-ups take no lock and allocate nothing. Thread-safe.
/// </summary>
internal sealed class CapabilityTable
{
    private readonly ConcurrentDictionary<FileKey, Entry> _entries = new();
    private readonly Entry?[] _ring;
    private readonly Lock _gate = new();
    private int _hand;

    public CapabilityTable(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _ring = new Entry?[capacity];
    }

    /// <summary>Keys known.</summary>
    public int Count => _entries.Count;

    /// <summary>The entry of a key.</summary>
    public bool TryGet(FileKey key, [NotNullWhen(true)] out Entry? entry)
    {
        if (!_entries.TryGetValue(key, out entry))
        {
            return false;
        }

        if (!entry.WasUsed)
        {
            entry.WasUsed = true; // Only when it changes: the cache line stays shared.
        }

        return true;
    }

    /// <summary>Keeps a capability whose seal was checked. A later expiry replaces an earlier one.</summary>
    public void Put(ReadCapability capability, SourceCounters counters)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(capability.Key, out var known))
            {
                if (capability.Seal.ExpiresUnixSeconds >= known.Capability.Seal.ExpiresUnixSeconds)
                {
                    known.Capability = capability;
                }

                known.WasUsed = true;
                return;
            }

            var slot = FreeSlot();
            var entry = new Entry(capability, counters);
            _ring[slot] = entry;
            _entries[capability.Key] = entry;
        }
    }

    private int FreeSlot()
    {
        // Two rounds at most: the first one takes every flag away.
        while (true)
        {
            var slot = _hand;
            _hand = (_hand + 1) % _ring.Length;
            if (_ring[slot] is not { } entry)
            {
                return slot;
            }

            if (!entry.WasUsed)
            {
                _entries.TryRemove(entry.Capability.Key, out _);
                return slot;
            }

            entry.WasUsed = false;
        }
    }

    /// <summary>One key.</summary>
    internal sealed class Entry(ReadCapability capability, SourceCounters counters)
    {
        private volatile ReadCapability _capability = capability;
        private volatile bool _wasUsed; // Not yet: a flood of new keys must not push out those in use.

        public ReadCapability Capability
        {
            get => _capability;
            set => _capability = value;
        }

        public SourceCounters Counters { get; } = counters;

        public bool WasUsed
        {
            get => _wasUsed;
            set => _wasUsed = value;
        }
    }
}
