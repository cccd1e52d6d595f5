using System.Runtime.InteropServices;

namespace OrleansCache.BlockStore.Eviction;

/// <summary>
/// What is remembered of each item that can be evicted by itself: 20 bytes, in chunks that never move, so that the hot path
/// finds a record without a lock. Ids are small and reused; 0 is none. Everything but <see cref="CountUse"/> happens under the
/// lock of <see cref="CacheItems"/>. A use that races with the reuse of an id marks another item as used: harmless.
/// </summary>
internal sealed class ItemTable
{
    /// <summary>Sizes are kept in these: 32 bits reach to 2 TiB.</summary>
    private const int UnitShift = 9;

    /// <summary>The clock ticks once per 64 KiB added.</summary>
    private const int TickShift = 16;
    private const int ChunkShift = 16;
    private const int ChunkMask = (1 << ChunkShift) - 1;
    private const byte FrequencyMax = 3;

    private readonly uint _useGapTicks;
    private ItemRecord[]?[] _chunks = new ItemRecord[]?[16];
    private uint _free;
    private uint _last;
    private long _addedBytes;
    private uint _clock;

    public ItemTable(long capacityBytes)
    {
        CapacityBytes = capacityBytes;
        // Reads of an item come in bursts, one stream through it. 1/64 of the tier's turnover apart they count as two uses.
        _useGapTicks = Ticks(capacityBytes / 64);
    }

    public long CapacityBytes { get; }

    /// <summary>Logical time: bytes that were added to the tier. Compared by difference, for it wraps.</summary>
    public uint Clock => Volatile.Read(ref _clock);

    /// <summary>Items there are, also those that are removed but still linked in a queue.</summary>
    public long Count { get; private set; }

    public static uint Ticks(long bytes) => (uint)Math.Max(1, bytes >> TickShift);

    public ref ItemRecord this[uint item] => ref Volatile.Read(ref _chunks)[item >> ChunkShift]![item & ChunkMask];

    public uint Add(uint keyHash, ushort source, long bytes, byte owner)
    {
        var item = _free;
        if (item == 0)
        {
            item = ++_last;
            MakeRoomFor(item);
        }
        else
        {
            _free = this[item].Next;
        }

        Count++;
        Advance(bytes);
        this[item] = new ItemRecord
        {
            KeyHash = keyHash,
            Source = source,
            Units = ToUnits(bytes),
            LastUsed = Clock,
            Owner = owner,
        };
        return item;
    }

    /// <summary>Frees the id: nothing may link to it any more.</summary>
    public void Free(uint item)
    {
        this[item] = new ItemRecord { Next = _free };
        _free = item;
        Count--;
    }

    public long BytesOf(uint item) => (long)this[item].Units << UnitShift;

    public void SetBytes(uint item, long bytes)
    {
        ref var record = ref this[item];
        Advance(Math.Max(0, bytes - BytesOf(item)));
        record.Units = ToUnits(bytes);
    }

    /// <summary>
    /// Counts a use, unless it belongs to the same visit as the last one: less than 1/64 of the tier, or twice the item's own
    /// size, was added since. Says when the use before was. No lock, no allocation; of two at the same time one may be lost.
    /// </summary>
    public bool CountUse(uint item, out uint usedBefore)
    {
        ref var record = ref this[item];
        usedBefore = Volatile.Read(ref record.LastUsed);
        var now = Clock;
        var gap = now - usedBefore;
        if (gap < _useGapTicks || gap < record.Units >> (TickShift - UnitShift - 1))
        {
            return false;
        }

        Volatile.Write(ref record.LastUsed, now);
        if (record.Frequency < FrequencyMax)
        {
            record.Frequency++;
        }

        return true;
    }

    private static uint ToUnits(long bytes) => checked((uint)((bytes + (1 << UnitShift) - 1) >> UnitShift));

    private void Advance(long bytes)
    {
        _addedBytes += bytes;
        Volatile.Write(ref _clock, (uint)(_addedBytes >> TickShift));
    }

    private void MakeRoomFor(uint item)
    {
        var chunk = (int)(item >> ChunkShift);
        if (chunk == _chunks.Length)
        {
            var more = new ItemRecord[]?[_chunks.Length * 2];
            _chunks.CopyTo(more, 0);
            Volatile.Write(ref _chunks, more);
        }

        _chunks[chunk] ??= new ItemRecord[1 << ChunkShift];
    }
}

/// <summary>Which queue of its policy an item is in.</summary>
internal enum ItemPlace : byte
{
    None,
    Small,
    Main,
}

/// <summary>One item. A byte each for what readers change (frequency) and what the lock guards.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct ItemRecord
{
    private const int PlaceMask = 3, PickedBit = 4, RemovedBit = 8, OwnerShift = 4;

    /// <summary>The next in its queue, or in the list of free ids.</summary>
    public uint Next;
    public uint KeyHash;
    public uint Units;

    /// <summary>When it was last used, in ticks of the table's clock.</summary>
    public uint LastUsed;
    public ushort Source;
    public byte Frequency;
    private byte _state;

    public ItemPlace Place
    {
        readonly get => (ItemPlace)(_state & PlaceMask);
        set => _state = (byte)((_state & ~PlaceMask) | (byte)value);
    }

    /// <summary>Taken out of its queue as a victim; the evictor is about to say what became of it.</summary>
    public bool IsPicked
    {
        readonly get => (_state & PickedBit) != 0;
        set => _state = (byte)(value ? _state | PickedBit : _state & ~PickedBit);
    }

    /// <summary>Gone, but still linked in a queue or picked: the id is freed when it comes out.</summary>
    public bool IsRemoved
    {
        readonly get => (_state & RemovedBit) != 0;
        set => _state = (byte)(value ? _state | RemovedBit : _state & ~RemovedBit);
    }

    /// <summary>Index of its owner.</summary>
    public byte Owner
    {
        readonly get => (byte)(_state >> OwnerShift);
        set => _state = (byte)((_state & ((1 << OwnerShift) - 1)) | (value << OwnerShift));
    }
}
