using System.Diagnostics;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>
/// Objects by 64-bit id, for ids the kernel gives back: nodes and open files. An id is slot and generation, so it is
/// never used twice and an old or invented one finds nothing. Finding takes no lock; adding and removing take one.
/// </summary>
internal sealed class SlotTable<T>
    where T : class
{
    private const int ChunkBits = 12;
    private const int ChunkSlots = 1 << ChunkBits;

    private readonly Lock _lock = new();
    private readonly Slot[]?[] _chunks;
    private readonly int _capacity;
    private int _firstFree;
    private int _firstUnused = 1; // Slot 0 stays empty: no id is zero, and the first one is 1, the kernel's root.
    private int _count;

    /// <summary>A table for at most this many objects; memory grows with their number.</summary>
    public SlotTable(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        _capacity = capacity;
        _chunks = new Slot[]?[((capacity + 1) >> ChunkBits) + 1];
    }

    public int Count => Volatile.Read(ref _count);

    /// <summary>Slots ever used: the range of <see cref="AtSlot"/>.</summary>
    public int SlotsUsed => Volatile.Read(ref _firstUnused);

    /// <summary>Adds an object.</summary>
    /// <returns>Its id, or 0 when the table is full.</returns>
    public ulong Add(T value)
    {
        lock (_lock)
        {
            if (_count == _capacity)
            {
                return 0;
            }

            var slot = _firstFree;
            if (slot == 0)
            {
                slot = _firstUnused;
                _chunks[slot >> ChunkBits] ??= new Slot[ChunkSlots];
            }

            ref var place = ref At(slot);
            if (slot == _firstFree)
            {
                _firstFree = place.NextFree;
            }
            else
            {
                Volatile.Write(ref _firstUnused, slot + 1);
            }

            Volatile.Write(ref _count, _count + 1);
            Volatile.Write(ref place.Value, value);
            return ((ulong)place.Generation << 32) | (uint)slot;
        }
    }

    /// <summary>The object, or null when the id is not one of the living.</summary>
    public T? Find(ulong id)
    {
        var slot = (uint)id;
        if (slot >= (uint)Volatile.Read(ref _firstUnused))
        {
            return null;
        }

        ref var place = ref At((int)slot);
        // The value first: a slot used again has its new generation before its new value.
        var value = Volatile.Read(ref place.Value);
        return Volatile.Read(ref place.Generation) == (uint)(id >> 32) ? value : null;
    }

    /// <summary>Whatever lives in a slot now; for walks over the table.</summary>
    public T? AtSlot(int slot) => Volatile.Read(ref At(slot).Value);

    /// <summary>Removes an object.</summary>
    /// <returns>The object, or null when the id is not one of the living.</returns>
    public T? Remove(ulong id)
    {
        lock (_lock)
        {
            if (Find(id) is not { } value)
            {
                return null;
            }

            var slot = (int)(uint)id;
            ref var place = ref At(slot);
            Volatile.Write(ref place.Value, null);
            Volatile.Write(ref place.Generation, place.Generation + 1);
            place.NextFree = _firstFree;
            _firstFree = slot;
            _count--;
            Debug.Assert(_count >= 0, "A slot was freed twice.");
            return value;
        }
    }

    private ref Slot At(int slot) => ref _chunks[slot >> ChunkBits]![slot & (ChunkSlots - 1)];

    private struct Slot
    {
        public T? Value;
        public uint Generation;
        public int NextFree;
    }
}
