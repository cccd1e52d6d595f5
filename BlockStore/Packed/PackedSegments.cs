using System.Globalization;
using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Eviction;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore.Packed;

/// <summary>
/// The log segments of a tier and their account of space. A segment is reserved whole when it is opened, and its bytes
/// return when it is removed. Two are open at most: one that fills write to and one that compaction moves objects to. Room
/// for the next one of compaction (the spare) is kept back, or compaction could not begin when the tier is full.
/// <para>What an object leaves behind counts as leaving the tier once its segment is worth compacting (a quarter dead), not
/// before: else the evictor would stop with the dead bytes spread so thinly that getting them back means copying everything.</para>
/// </summary>
internal sealed class PackedSegments(IDiskIo io, string directory, TierSpace space, Reaper reaper, long segmentBytes)
{
    private readonly Lock _gate = new();
    private readonly Stack<int> _freeSlots = new();
    private PackedSegment?[] _slots = new PackedSegment?[64];
    private int _slotsUsed;
    private PackedSegment? _fillHead;
    private PackedSegment? _moveHead;
    private bool _hasSpare;

    /// <summary>What a new segment takes.</summary>
    public long SegmentBytes { get; } = segmentBytes;

    /// <summary>The next segment's number: none is used twice, so that an old record never means a new segment.</summary>
    public uint NextNumber { get; set; }

    /// <summary>Something died: there may be something to compact.</summary>
    public Action OnDead { get; set; } = () => { };

    /// <summary>Some segments wait for their readers to leave.</summary>
    public bool AreSomeRetired
    {
        get
        {
            lock (_gate)
            {
                return Array.Exists(_slots, one => one is { IsRetired: true });
            }
        }
    }

    public PackedSegment? InSlot(int slot) => Volatile.Read(ref _slots) is var slots && slot < slots.Length ? Volatile.Read(ref slots[slot]) : null;

    public List<PackedSegment> All()
    {
        lock (_gate)
        {
            return [.. _slots.OfType<PackedSegment>()];
        }
    }

    /// <summary>What must be reserved before <see cref="OpenHead"/>: the segment, and the spare if there is none.</summary>
    public long HeadBytes()
    {
        lock (_gate)
        {
            return _hasSpare ? SegmentBytes : 2 * SegmentBytes;
        }
    }

    /// <summary>Takes room for one object; false if the open segment has none left. The room counts as a fill until it is settled.</summary>
    public bool TryAllocate(int lengthBytes, bool isMove, out PackedSegment segment, out long offsetBytes)
    {
        var bytes = PackedPlace.SpaceOf(lengthBytes);
        lock (_gate)
        {
            segment = (isMove ? _moveHead : _fillHead)!;
            if (segment is not null && segment.TailBytes + bytes > segment.LengthBytes)
            {
                Seal(segment);
                segment = null!;
            }

            if (segment is null)
            {
                offsetBytes = 0;
                return false;
            }

            offsetBytes = segment.TailBytes;
            segment.TailBytes += bytes;
            segment.LiveBytes += bytes;
            segment.Users++;
            segment.Fills++;
            return true;
        }
    }

    /// <summary>Whether a fill of this length fits in the open segment.</summary>
    public bool HasRoom(int lengthBytes)
    {
        lock (_gate)
        {
            return _fillHead is { } head && head.TailBytes + PackedPlace.SpaceOf(lengthBytes) <= head.LengthBytes;
        }
    }

    /// <summary>A fill or move has become an object.</summary>
    public void Settle(PackedSegment segment)
    {
        lock (_gate)
        {
            segment.Fills--;
        }
    }

    /// <summary>An object (its gone record is durable) or a fill that failed leaves its bytes behind.</summary>
    public void Release(PackedSegment segment, long bytes, bool isFill = false)
    {
        bool isWorth;
        lock (_gate)
        {
            segment.LiveBytes -= bytes;
            segment.Users--;
            segment.Fills -= isFill ? 1 : 0;
            Account(segment);
            isWorth = segment.IsSealed && !segment.IsRetired && IsWorth(segment, isShort: true);
        }

        if (isWorth)
        {
            OnDead();
        }
    }

    /// <summary>
    /// Makes the next open segment; the caller has reserved <see cref="HeadBytes"/> and loses them. Fills and compaction
    /// each call it from one place at a time.
    /// </summary>
    public void OpenHead(long reservedBytes)
    {
        var segment = Create();
        lock (_gate)
        {
            // The spare may have come back from a removed segment meanwhile.
            var spare = reservedBytes - SegmentBytes;
            if (spare > 0 && !_hasSpare)
            {
                (_hasSpare, spare) = (true, 0);
            }

            space.Release(spare);
            _fillHead = segment;
        }
    }

    /// <summary>The same for compaction, from the spare or what is free; false if there is neither.</summary>
    public bool TryOpenMoveHead()
    {
        lock (_gate)
        {
            if (!_hasSpare && !space.TryReserve(SegmentBytes))
            {
                return false;
            }

            _hasSpare = false;
        }

        PackedSegment segment;
        try
        {
            segment = Create();
            io.SyncDirectory(directory); // What is moved there may have been safe before.
        }
        catch
        {
            lock (_gate)
            {
                _hasSpare = true;
            }

            throw;
        }

        lock (_gate)
        {
            _moveHead = segment;
        }

        return true;
    }

    /// <summary>A segment that the journal or a checkpoint speaks of.</summary>
    public PackedSegment Recovered(uint number)
    {
        lock (_gate)
        {
            NextNumber = Math.Max(NextNumber, number + 1);
            return NewSlot(number);
        }
    }

    /// <summary>A segment of an earlier run, with what the index has in it: only read from now on, so what is behind its last object goes.</summary>
    public void Adopt(PackedSegment segment, long liveBytes, int users, long endBytes)
    {
        var handle = io.Open(PathOf(segment.Number), OpenFlags.ReadWrite);
        var length = (endBytes + 4095) & ~4095L;
        if (RandomAccess.GetLength(handle) != length)
        {
            io.SetLength(handle, length);
        }

        segment.Open(handle);
        space.Take(length);
        lock (_gate)
        {
            (segment.LengthBytes, segment.TailBytes) = (length, length);
            (segment.LiveBytes, segment.Users, segment.IsSealed) = (liveBytes, users, true);
            Account(segment);
        }
    }

    /// <summary>Forgets a recovered segment that nothing is left of.</summary>
    public void Forget(PackedSegment segment)
    {
        lock (_gate)
        {
            FreeSlot(segment);
        }
    }

    public string PathOf(uint number) => Path.Combine(directory, number.ToString("d8", CultureInfo.InvariantCulture));

    /// <summary>Segments worth compacting, the deadest first. When room is short a quarter of dead bytes is enough, else half.</summary>
    public List<PackedSegment> Victims(bool isShort, int count)
    {
        lock (_gate)
        {
            return [.. _slots.OfType<PackedSegment>()
                .Where(one => one.IsSealed && !one.IsRetired && one.Fills == 0 && IsWorth(one, isShort))
                .OrderBy(one => (double)one.LiveBytes / one.LengthBytes)
                .Take(count)];
        }
    }

    /// <summary>How many segments there are, and what they and the spare take of the tier.</summary>
    public (int Segments, long Bytes) Totals()
    {
        lock (_gate)
        {
            var all = _slots.OfType<PackedSegment>().ToList();
            return (all.Count, all.Sum(one => one.LengthBytes) + (_hasSpare ? SegmentBytes : 0));
        }
    }

    /// <summary>Closes every file. Nobody may fill or compact any more.</summary>
    public void Close()
    {
        foreach (var segment in All())
        {
            segment.Handle?.Dispose();
        }
    }

    private static bool IsWorth(PackedSegment segment, bool isShort) =>
        segment.LengthBytes - segment.LiveBytes >= segment.LengthBytes / (isShort ? 4 : 2);

    private PackedSegment Create()
    {
        PackedSegment segment;
        lock (_gate)
        {
            segment = NewSlot(NextNumber++);
            segment.LengthBytes = SegmentBytes;
        }

        try
        {
            var handle = io.Open(PathOf(segment.Number), OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive);
            segment.Open(handle);
            io.SetLength(handle, SegmentBytes);
            return segment;
        }
        catch
        {
            segment.Handle?.Dispose();
            lock (_gate)
            {
                FreeSlot(segment);
            }

            throw;
        }
    }

    private PackedSegment NewSlot(uint number)
    {
        if (!_freeSlots.TryPop(out var slot))
        {
            slot = _slotsUsed++;
            if (slot >= PackedPlace.SlotsMax)
            {
                throw new IOException($"{directory} has {slot} segments, which is the limit");
            }

            if (slot == _slots.Length)
            {
                var larger = new PackedSegment?[slot * 2];
                _slots.CopyTo(larger, 0);
                Volatile.Write(ref _slots, larger);
            }
        }

        var segment = new PackedSegment(number, slot);
        Volatile.Write(ref _slots[slot], segment);
        return segment;
    }

    private void FreeSlot(PackedSegment segment)
    {
        Volatile.Write(ref _slots[segment.Slot], null);
        _freeSlots.Push(segment.Slot);
    }

    private void Seal(PackedSegment segment)
    {
        segment.IsSealed = true;
        if (_fillHead == segment)
        {
            _fillHead = null;
        }
        else
        {
            _moveHead = null;
        }

        Account(segment);
    }

    private void Account(PackedSegment segment)
    {
        if (!segment.IsSealed || segment.IsRetired)
        {
            return;
        }

        var dead = segment.LengthBytes - segment.LiveBytes;
        if (segment.Users == 0 || IsWorth(segment, isShort: true))
        {
            space.Leave(dead - segment.LeavingBytes);
            segment.LeavingBytes = dead;
        }

        if (segment.Users == 0)
        {
            segment.IsRetired = true;
            reaper.Add(new SegmentTask(segment, () => io.Unlink(PathOf(segment.Number)), () => Removed(segment)));
        }
    }

    private void Removed(PackedSegment segment)
    {
        segment.Handle?.Dispose();
        lock (_gate)
        {
            FreeSlot(segment);
            space.Leave(-segment.LeavingBytes);
            var keeps = !_hasSpare && segment.LengthBytes >= SegmentBytes;
            _hasSpare |= keeps;
            space.Release(segment.LengthBytes - (keeps ? SegmentBytes : 0));
        }
    }

    /// <summary>Unlinks and closes a segment that nobody reads any more.</summary>
    private sealed class SegmentTask(PackedSegment segment, Action unlink, Action finished) : ReapTask(segment)
    {
        public override void Finish() => finished();

        protected override bool TryAct()
        {
            unlink();
            return true;
        }
    }
}
