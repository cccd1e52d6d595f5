using OrleansCache.BlockStore;
using OrleansCache.BlockStore.Eviction;
using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.Bench.Policies;

/// <summary>Runs a trace through the store's own policies with its own watermarks, without a disk.</summary>
internal sealed class PolicySimulator : IItemOwner
{
    private readonly CacheItems _items;
    private readonly BlockStoreOptions _options;
    private readonly EvictionKind _kind;
    private readonly Dictionary<Access, uint> _resident = [];
    private readonly Dictionary<uint, Access> _keys = [];
    private readonly HashSet<ulong> _sources = [];
    private long _usedBytes;

    private PolicySimulator(EvictionKind kind, long capacityBytes)
    {
        _kind = kind;
        _options = new BlockStoreOptions { Directory = "/", CapacityBytes = capacityBytes };
        _items = new CacheItems(capacityBytes);
    }

    /// <summary>The hit ratio of a trace's measured part.</summary>
    public static double HitRatio(Trace trace, EvictionKind kind, long capacityBytes)
    {
        var simulator = new PolicySimulator(kind, capacityBytes);
        var hits = 0;
        for (var i = 0; i < trace.Accesses.Length; i++)
        {
            hits += simulator.Use(trace.Accesses[i]) && i >= trace.MeasureFrom ? 1 : 0;
        }

        return (double)hits / (trace.Accesses.Length - trace.MeasureFrom);
    }

    public (long LeavingBytes, Task Recorded) TryEvict(uint item, long bytesWanted)
    {
        var bytes = _items.BytesOf(item);
        _resident.Remove(_keys[item]);
        _keys.Remove(item);
        _items.Removed(item);
        return (bytes, Task.CompletedTask);
    }

    private bool Use(Access access)
    {
        if (_resident.TryGetValue(access, out var known))
        {
            _items.Touch(known);
            return true;
        }

        if (_sources.Add(access.Source))
        {
            _items.SetSource(new SourceId(access.Source), new SourceCaching(_kind, 0));
        }

        Evict(_usedBytes + access.Bytes - _options.CapacityBytes);
        var item = _items.Added(new FileKey(access.Source, access.Key), 0, new SourceId(access.Source), access.Bytes, this);
        _resident.Add(access, item);
        _keys.Add(item, access);
        _usedBytes += access.Bytes;
        _items.Touch(item); // Who filled it reads it.
        if (_usedBytes > _options.CapacityBytes * _options.EvictAboveShare)
        {
            Evict(_usedBytes - (long)(_options.CapacityBytes * _options.EvictDownToShare));
        }

        return false;
    }

    private void Evict(long bytesWanted)
    {
        var victims = new List<uint>();
        while (bytesWanted > 0)
        {
            victims.Clear();
            _items.Pick(bytesWanted, overQuota: false, victims);
            if (victims.Count == 0)
            {
                return;
            }

            foreach (var victim in victims)
            {
                var (bytes, _) = bytesWanted > 0 ? TryEvict(victim, bytesWanted) : default;
                bytesWanted -= bytes;
                _usedBytes -= bytes;
                _items.Settle(victim, first: true);
            }
        }
    }
}
