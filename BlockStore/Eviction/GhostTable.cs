namespace OrleansCache.BlockStore.Eviction;

/// <summary>
/// Which items left lately: 16 bits of their hash and 16 of when they were last used, in buckets of four. Bounded by the items there are: it
/// has half to one slot for each. A full bucket forgets its oldest; a wrong match (one in thousands) costs one wrong promotion.
/// </summary>
internal sealed class GhostTable
{
    private const int Ways = 4;
    private const int SlotsMin = 64;

    private readonly ItemTable _table;
    private readonly int _timeShift;
    private uint[] _slots = new uint[SlotsMin];
    private bool _isEmpty = true; // As long as a tier is opened: it asks for each of its items.

    public GhostTable(ItemTable table)
    {
        _table = table;
        // 1,024 to 2,047 steps for one turnover of the tier, so 16 bits last for 32 of them.
        while (ItemTable.Ticks(table.CapacityBytes) >> _timeShift >= 2048)
        {
            _timeShift++;
        }
    }

    public int Slots => _slots.Length;

    public void Add(uint hash, uint lastUsed)
    {
        var bucket = BucketOf(hash);
        var now = Time(_table.Clock);
        var chosen = 0;
        for (var i = 0; i < Ways; i++)
        {
            if (bucket[i] == 0 || IsOf(bucket[i], hash))
            {
                chosen = i;
                break;
            }

            if (Age(bucket[i], now) > Age(bucket[chosen], now))
            {
                chosen = i;
            }
        }

        _isEmpty = false;
        bucket[chosen] = (uint)(Fingerprint(hash) << 16) | Time(lastUsed);
    }

    /// <summary>Whether it left and was last used at most so many ticks ago; forgets it.</summary>
    public bool TryTake(uint hash, uint ageMaxTicks, out uint ageTicks)
    {
        ageTicks = 0;
        if (_isEmpty)
        {
            return false;
        }

        var bucket = BucketOf(hash);
        for (var i = 0; i < Ways; i++)
        {
            if (bucket[i] != 0 && IsOf(bucket[i], hash))
            {
                ageTicks = (uint)Age(bucket[i], Time(_table.Clock)) << _timeShift;
                bucket[i] = 0;
                return ageTicks <= ageMaxTicks;
            }
        }

        return false;
    }

    /// <summary>Keeps the size in step with the items it stands beside.</summary>
    public void FitTo(long items)
    {
        if (items <= _slots.Length)
        {
            return;
        }

        // A bucket's successors are itself and its twin at the upper half: the bit that decides is not kept, so both get all.
        var more = new uint[_slots.Length * 2];
        _slots.CopyTo(more, 0);
        _slots.CopyTo(more, _slots.Length);
        _slots = more;
    }

    private static int Fingerprint(uint hash) => (int)(hash >> 16) | 1; // Never 0: that is an empty slot.

    private static bool IsOf(uint slot, uint hash) => slot >> 16 == Fingerprint(hash);

    private static ushort Age(uint slot, ushort now) => (ushort)(now - (ushort)slot);

    private ushort Time(uint clock) => (ushort)(clock >> _timeShift);

    private Span<uint> BucketOf(uint hash)
    {
        var buckets = (uint)(_slots.Length / Ways);
        return _slots.AsSpan((int)(unchecked(hash * 0x9E37_79B1u) & (buckets - 1)) * Ways, Ways);
    }
}
