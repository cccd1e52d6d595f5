using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.BlockStore.Eviction;

/// <summary>
/// The items of a tier, their owners and the policies that order them. Sources share one queue per policy; a source with the
/// epoch policy or a quota has its own. When room is needed, who is over its quota gives up its own items first; then the share
/// whose bytes were used least per byte held lately, so that policies of different kinds compete by the hits they bring.
/// <para>
/// One short lock for everything but <see cref="Touch"/>, which takes none. It may be taken under a file's gate, never the other way round.
/// </para>
/// </summary>
internal sealed class CacheItems
{
    private const int OwnersMax = 16;
    private const int SourcesMax = ushort.MaxValue;

    private readonly Lock _gate = new();
    private readonly ItemTable _table;
    private readonly List<IItemOwner> _owners = [];
    private readonly Dictionary<SourceId, ushort> _indexes = [];
    private readonly List<CacheShare> _shares = [];
    private Source[] _sources = new Source[16];
    private int _sourceCount = 1; // The first stands for all beyond SourcesMax.
    private uint _lastAging;
    private volatile bool _isAnyOverQuota;

    public CacheItems(long capacityBytes)
    {
        _table = new ItemTable(capacityBytes);
        var usual = new CacheShare(EvictionKind.S3Fifo, CacheShare.NewPolicy(EvictionKind.S3Fifo, _table));
        _shares.Add(usual);
        _sources[0] = new Source(usual);
    }

    /// <summary>How many items there are, with some that are gone and not yet forgotten.</summary>
    public long Count => _table.Count;

    /// <summary>Whether some source holds more than its quota; cheap.</summary>
    public bool IsAnyOverQuota => _isAnyOverQuota;

    /// <summary>An item that has bytes from now on. It may be picked before the caller knows its id.</summary>
    public uint Added(FileKey key, int extent, SourceId source, long bytes, IItemOwner owner)
    {
        lock (_gate)
        {
            var index = IndexOf(source);
            var item = _table.Add(HashOf(key, extent), index, bytes, OwnerOf(owner));
            Hold(index, _table.BytesOf(item)); // As it will be given back: the table rounds up.
            _sources[index].Share.Policy.Added(item);
            AgeUses();
            return item;
        }
    }

    /// <summary>A use: any thread, no lock, no allocation. Item 0 is none.</summary>
    public void Touch(uint item)
    {
        if (item != 0)
        {
            var share = Volatile.Read(ref _sources)[_table[item].Source].Share;
            if (share.Policy.Touch(item))
            {
                share.Used(_table.BytesOf(item));
            }
        }
    }

    /// <summary>An item has so many bytes now.</summary>
    public void Resized(uint item, long bytes)
    {
        lock (_gate)
        {
            ref var record = ref _table[item];
            var before = _table.BytesOf(item);
            _table.SetBytes(item, bytes);
            var delta = _table.BytesOf(item) - before;
            Hold(record.Source, delta);
            if (!record.IsPicked)
            {
                _sources[record.Source].Share.Policy.Resized(item, delta);
            }
        }
    }

    /// <summary>An item is gone; its id may be reused at once.</summary>
    public void Removed(uint item)
    {
        lock (_gate)
        {
            ref var record = ref _table[item];
            Hold(record.Source, -_table.BytesOf(item));
            if (record.IsPicked)
            {
                record.IsRemoved = true;
            }
            else
            {
                _sources[record.Source].Share.Policy.Removed(item);
            }
        }
    }

    public long BytesOf(uint item)
    {
        lock (_gate)
        {
            return _table.BytesOf(item);
        }
    }

    /// <summary>Says how a source is cached from now on; what it has moves over.</summary>
    public void SetSource(SourceId source, SourceCaching caching)
    {
        lock (_gate)
        {
            var index = IndexOf(source);
            var from = _sources[index].Share;
            var to = ShareFor(from, caching);
            if (to == from)
            {
                return;
            }

            var moving = new List<uint>();
            from.Policy.Extract(index, moving);
            from.HeldBytes -= _sources[index].HeldBytes;
            to.HeldBytes += _sources[index].HeldBytes;
            _sources[index].Share = to;
            moving.ForEach(to.Policy.Added);
            if (from.Kind == EvictionKind.Epoch || from.QuotaBytes > 0)
            {
                _shares.Remove(from); // It was this source's own.
            }

            LookForOverQuota();
        }
    }

    /// <summary>
    /// From now on each share gives what it has once: one whose items are all in use does not keep the others from being asked.
    /// Without rounds there is no such limit.
    /// </summary>
    public void BeginRound()
    {
        lock (_gate)
        {
            _shares.ForEach(share => share.RoundBytes = share.Policy.Bytes);
        }
    }

    /// <summary>
    /// Takes victims out of the queues; each must be given to <see cref="Settle"/>. With <paramref name="overQuota"/> only of
    /// sources over their quota, and of each no more than that.
    /// </summary>
    public void Pick(long bytesWanted, bool overQuota, List<uint> victims)
    {
        lock (_gate)
        {
            while (bytesWanted > 0 && Poorest(overQuota) is { } share)
            {
                var first = victims.Count;
                // In parts, for the next poorest may be another.
                share.Policy.PickVictims(Math.Min(bytesWanted, overQuota ? share.OverQuotaBytes : PartBytes), victims);
                for (var i = first; i < victims.Count; i++)
                {
                    bytesWanted -= _table.BytesOf(victims[i]);
                    share.RoundBytes -= _table.BytesOf(victims[i]);
                    _table[victims[i]].IsPicked = true;
                }

                if (victims.Count == first || overQuota)
                {
                    return;
                }
            }
        }
    }

    /// <summary>What must go of sources that are over their quotas.</summary>
    public long OverQuotaBytes()
    {
        long bytes = 0;
        lock (_gate)
        {
            foreach (var share in _shares)
            {
                bytes += share.OverQuotaBytes;
            }
        }

        return bytes;
    }

    /// <summary>Whether a source holds all it may.</summary>
    public bool IsOverQuota(SourceId source)
    {
        if (!_isAnyOverQuota)
        {
            return false;
        }

        lock (_gate)
        {
            return _sources[IndexOf(source)].Share.IsOverQuota;
        }
    }

    public IItemOwner OwnerOf(uint item)
    {
        lock (_gate)
        {
            return _owners[_table[item].Owner];
        }
    }

    /// <summary>A picked item was tried: it is gone, or it goes back, to the front or (in use) to the end of its queue.</summary>
    public void Settle(uint item, bool first)
    {
        lock (_gate)
        {
            ref var record = ref _table[item];
            if (record.IsRemoved)
            {
                _table.Free(item);
                return;
            }

            record.IsPicked = false;
            _sources[record.Source].Share.Policy.Return(item, first);
        }
    }

    private long PartBytes => Math.Max(1, _table.CapacityBytes / 256);

    private static uint HashOf(FileKey key, int extent)
    {
        var mixed = (key.High ^ (key.Low * 0x9E37_79B9_7F4A_7C15) ^ (uint)extent) * 0xD6E8_FEB8_6659_FD93;
        return (uint)((mixed ^ (mixed >> 32)) * 0xD6E8_FEB8_6659_FD93 >> 32);
    }

    private ushort IndexOf(SourceId source)
    {
        if (_indexes.TryGetValue(source, out var index) || _sourceCount == SourcesMax)
        {
            return index;
        }

        index = (ushort)_sourceCount++;
        if (index == _sources.Length)
        {
            var more = new Source[_sources.Length * 2];
            _sources.CopyTo(more, 0);
            Volatile.Write(ref _sources, more);
        }

        _sources[index] = new Source(_shares[0]);
        _indexes.Add(source, index);
        return index;
    }

    private byte OwnerOf(IItemOwner owner)
    {
        var index = _owners.IndexOf(owner);
        if (index < 0)
        {
            index = _owners.Count;
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, OwnersMax);
            _owners.Add(owner);
        }

        return (byte)index;
    }

    private CacheShare ShareFor(CacheShare current, SourceCaching caching)
    {
        var isOwn = caching.Eviction == EvictionKind.Epoch || caching.QuotaBytes > 0;
        var isCurrentOwn = current.Kind == EvictionKind.Epoch || current.QuotaBytes > 0;
        var share = isOwn
            ? isCurrentOwn && current.Kind == caching.Eviction ? current : null
            : _shares.Find(one => one.Kind == caching.Eviction && one.Kind != EvictionKind.Epoch && one.QuotaBytes == 0);
        if (share is null)
        {
            share = new CacheShare(caching.Eviction, CacheShare.NewPolicy(caching.Eviction, _table));
            _shares.Add(share);
        }

        share.QuotaBytes = caching.QuotaBytes;
        LookForOverQuota();
        return share;
    }

    /// <summary>Who gives up next; one that holds little is spared, so that a new source can show what it is worth.</summary>
    private CacheShare? Poorest(bool overQuota)
    {
        CacheShare? poorest = null;
        foreach (var share in _shares)
        {
            if (share.Policy.Bytes > 0 && share.RoundBytes > 0 && (!overQuota || share.IsOverQuota)
                && (poorest is null || IsPoorer(share, poorest)))
            {
                poorest = share;
            }
        }

        return poorest;
    }

    private bool IsPoorer(CacheShare share, CacheShare than)
    {
        var spared = _table.CapacityBytes / (8 * _shares.Count);
        if (share.Policy.Bytes < spared != than.Policy.Bytes < spared)
        {
            return than.Policy.Bytes < spared;
        }

        return share.Worth == than.Worth ? share.Policy.Bytes > than.Policy.Bytes : share.Worth < than.Worth;
    }

    private void Hold(ushort source, long deltaBytes)
    {
        _sources[source].HeldBytes += deltaBytes;
        var share = _sources[source].Share;
        share.HeldBytes += deltaBytes;
        if (share.QuotaBytes > 0)
        {
            LookForOverQuota();
        }
    }

    private void LookForOverQuota() => _isAnyOverQuota = _shares.Exists(share => share.IsOverQuota);

    /// <summary>Uses count half after each half turnover of the tier.</summary>
    private void AgeUses()
    {
        if (_table.Clock - _lastAging > ItemTable.Ticks(_table.CapacityBytes / 2))
        {
            _lastAging = _table.Clock;
            _shares.ForEach(share => share.Age());
        }
    }

    /// <summary>A source's account.</summary>
    private sealed class Source(CacheShare share)
    {
        private CacheShare _share = share;

        public CacheShare Share
        {
            get => Volatile.Read(ref _share);
            set => Volatile.Write(ref _share, value);
        }

        public long HeldBytes { get; set; }
    }
}
