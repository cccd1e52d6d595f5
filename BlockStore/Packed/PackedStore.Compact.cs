using System.Threading.Channels;
using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Journal;

namespace OrleansCache.BlockStore.Packed;

/// <summary>
/// Compaction: what lives in a mostly dead segment is verified, copied to the open segment of compaction, synced (it may
/// have been covered by a barrier where it was), recorded, and only then shown at its new place. Readers are never held
/// up: who pinned the old place reads there until it is done. One loop, a few segments at a time.
/// </summary>
internal sealed partial class PackedStore
{
    private const int VictimsAtOnce = 8; // One look through the index finds what lives in all of them.
    private const int MovesAtOnce = 4096; // Objects per sync and commit.
    private static readonly TimeSpan LookPeriod = TimeSpan.FromMilliseconds(2);

    private readonly Channel<bool> _compact = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private Task _compacting = Task.CompletedTask;
    private volatile bool _stopCompacting;
    private volatile bool _isCompacting;
    private long _movedBytes;

    /// <summary>Nothing is being compacted or removed, nor will be until something changes.</summary>
    public bool IsIdle =>
        _segments.Victims(IsShortOfRoom, 1).Count == 0 && !_isCompacting && !_segments.AreSomeRetired;

    /// <summary>Somebody waits for room, or the next fills will.</summary>
    private bool IsShortOfRoom =>
        _host.IsShortOfRoom || _space.UsedBytes + _segments.HeadBytes() > (long)(_space.LimitBytes * _options.EvictAboveShare);

    /// <summary>Looks whether something is worth compacting; cheap.</summary>
    public void WakeCompactor() => _compact.Writer.TryWrite(true);

    public void StartCompactor() => _compacting = Task.Run(CompactLoopAsync);

    private async Task StopCompactorAsync()
    {
        _stopCompacting = true;
        _compact.Writer.TryComplete();
        await _compacting;
    }

    private async Task CompactLoopAsync()
    {
        while (await _compact.Reader.WaitToReadAsync())
        {
            _compact.Reader.TryRead(out _);
            while (!_stopCompacting && _host.TakesFills && _segments.Victims(IsShortOfRoom, VictimsAtOnce) is { Count: > 0 } victims)
            {
                _isCompacting = true;
                if (!await TryCompactAsync(victims))
                {
                    break; // Until something changes.
                }
            }

            _isCompacting = false;

            await Task.Delay(LookPeriod); // Every eviction wakes us: one look serves many.
        }
    }

    /// <summary>Empties some segments; false if nothing came of it.</summary>
    private async Task<bool> TryCompactAsync(List<PackedSegment> victims)
    {
        var progress = false;
        foreach (var batch in Living(victims).Chunk(MovesAtOnce))
        {
            if (_stopCompacting)
            {
                return false;
            }

            var moves = new List<Move>(batch.Length);
            try
            {
                var hasRoom = await TryCopyAsync(batch, moves);
                await ShowMovedAsync(moves);
                progress |= moves.Count > 0;
                if (!hasRoom)
                {
                    // Neither a spare segment nor free space: one segment is emptied by eviction instead.
                    return await EvictLastAsync(batch) || progress;
                }
            }
            catch (IOException exception)
            {
                moves.ForEach(GiveUp);
                return !DiskErrors.IsShortOfDescriptors(exception.HResult) // Ours to bear until some are closed; the disk is well.
                    && _host.OnWriteFailed(exception) == FillFailure.NoSpace && await EvictLastAsync(batch);
            }
        }

        return progress;
    }

    /// <summary>What lives in some segments, in the order of its bytes.</summary>
    private List<(uint Item, PackedEntry Entry)> Living(List<PackedSegment> segments)
    {
        var slots = segments.Select(segment => segment.Slot).ToHashSet();
        var living = new List<(uint Item, PackedEntry Entry)>();
        for (var item = 1u; item < _index.ItemsEnd; item++)
        {
            if (_index.TryRead(item, out var entry) && slots.Contains(entry.At.Slot))
            {
                living.Add((item, entry));
            }
        }

        living.Sort((a, b) => (a.Entry.At.Value >> 18).CompareTo(b.Entry.At.Value >> 18));
        return living;
    }

    /// <summary>Verifies and copies objects; false if there is no room for the next. Those that do not match are dropped.</summary>
    private async Task<bool> TryCopyAsync((uint Item, PackedEntry Entry)[] batch, List<Move> moves)
    {
        var buffer = new byte[batch.Max(one => one.Entry.LengthBytes)];
        foreach (var (_, seen) in batch)
        {
            if (!TryPinUnverified(seen.Key, out var entry, out var pin))
            {
                continue;
            }

            bool matches;
            PackedSegment from;
            using (pin)
            {
                if (!entry.At.IsWhere(seen.At))
                {
                    continue;
                }

                from = _segments.InSlot(entry.At.Slot)!;
                matches = TryReadWhole(entry, pin, buffer);
            }

            if (!matches)
            {
                await DropBadAsync(entry);
                continue;
            }

            if (!TryAllocateMove(entry.LengthBytes, out var segment, out var offset))
            {
                return false;
            }

            var place = new PackedPlace(PackedState.Proven, entry.At.Source, segment.Slot, offset);
            moves.Add(new Move(entry, from, segment, place));
            _io.Write(segment.Handle!, buffer.AsSpan(0, entry.LengthBytes), offset);
        }

        return true;
    }

    private bool TryAllocateMove(int lengthBytes, out PackedSegment segment, out long offset) =>
        _segments.TryAllocate(lengthBytes, isMove: true, out segment, out offset)
        || (_segments.TryOpenMoveHead() && _segments.TryAllocate(lengthBytes, isMove: true, out segment, out offset));

    private async Task ShowMovedAsync(List<Move> moves)
    {
        foreach (var segment in moves.Select(move => move.To).Distinct())
        {
            _io.Sync(segment.Handle!);
        }

        var tickets = new List<(Move Move, JournalTicket Ticket)>();
        foreach (var move in moves)
        {
            var key = move.Entry.Key;
            lock (_index.GateOf(key))
            {
                // The record comes before that of whoever drops it from now on, and after that of whoever did.
                if (_index.TryFind(key, out var found) && IsStillThere(move, found.Entry))
                {
                    tickets.Add((move, AppendValid(ShapeOf(move.Entry), move.To.Number, move.Place.OffsetBytes, move.Entry.Checksum)));
                    continue;
                }
            }

            GiveUp(move);
        }

        foreach (var (move, ticket) in tickets)
        {
            if (await IsDurableAsync(ticket))
            {
                Switch(move);
            }

            _journal.Applied(ticket);
        }

        moves.RemoveAll(move => move.IsOver && !move.IsShown);
    }

    private void Switch(Move move)
    {
        bool isShown;
        lock (_index.GateOf(move.Entry.Key))
        {
            isShown = !_host.HasSyncFailed
                && _index.TryFind(move.Entry.Key, out var found) && IsStillThere(move, found.Entry)
                && SetState(move.Entry.Key, move.Entry.At, PackedState.Proven)
                && _index.TryReplace(move.Entry.Key, move.Entry.At, move.Place);
        }

        if (!isShown)
        {
            GiveUp(move); // Evicted meanwhile, and its gone record is behind ours.
            return;
        }

        move.IsOver = move.IsShown = true;
        _segments.Settle(move.To);
        Interlocked.Add(ref _movedBytes, move.Entry.SpaceBytes);
        _segments.Release(move.From, move.Entry.SpaceBytes);
    }

    /// <summary>
    /// An object is where it was copied from. The slot may have another segment by now, with the same object at the same offset,
    /// filled anew: that is another place.
    /// </summary>
    private bool IsStillThere(Move move, in PackedEntry entry) =>
        entry.At.IsWhere(move.Entry.At) && _segments.InSlot(entry.At.Slot) == move.From;

    private void GiveUp(Move move)
    {
        if (!move.IsOver)
        {
            move.IsOver = true;
            _segments.Release(move.To, move.Entry.SpaceBytes, isFill: true);
        }
    }

    private async Task<bool> EvictLastAsync((uint Item, PackedEntry Entry)[] living)
    {
        var evicted = living
            .Where(one => one.Entry.At.Slot == living[^1].Entry.At.Slot)
            .Select(one => TryEvict(one.Item, one.Entry.SpaceBytes))
            .ToList();
        await Task.WhenAll(evicted.Select(one => one.Recorded));
        return evicted.Exists(one => one.LeavingBytes > 0);
    }

    private FileShape ShapeOf(in PackedEntry entry) =>
        new(entry.Key, entry.LengthBytes, entry.Layout, _sources.Of(entry.At.Source));

    /// <summary>One object on its way to another segment.</summary>
    private sealed class Move(PackedEntry entry, PackedSegment from, PackedSegment to, PackedPlace place)
    {
        public PackedEntry Entry { get; } = entry;

        public PackedSegment From { get; } = from;

        public PackedSegment To { get; } = to;

        public PackedPlace Place { get; } = place;

        public bool IsOver { get; set; }

        public bool IsShown { get; set; }
    }
}
