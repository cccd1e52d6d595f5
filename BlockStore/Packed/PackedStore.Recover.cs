using System.Buffers.Binary;
using OrleansCache.BlockStore.Journal;
using OrleansCache.Files;

namespace OrleansCache.BlockStore.Packed;

/// <summary>Opening: the index comes back from checkpoint and journal.</summary>
internal sealed partial class PackedStore
{
    /// <summary>An object in a checkpoint: key 16, source 8, segment 4, offset 4, length 4, block size 4, checksum 4, flags 4.</summary>
    private const int SavedBytes = 48;
    private const int LoadedAtOnce = 32;

    private readonly Dictionary<uint, PackedSegment> _recovered = [];

    /// <summary>Writes the index: the next segment's number, then an object each, then one of zeros.</summary>
    public void Save(Stream to)
    {
        Span<byte> saved = stackalloc byte[SavedBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(saved, _segments.NextNumber);
        to.Write(saved[..sizeof(uint)]);
        for (var item = 1u; item < _index.ItemsEnd; item++)
        {
            // If its segment has gone meanwhile, its gone record is behind this checkpoint's address.
            if (_index.TryRead(item, out var entry) && _segments.InSlot(entry.At.Slot) is { } segment)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(saved, entry.High);
                BinaryPrimitives.WriteUInt64LittleEndian(saved[8..], entry.Low);
                BinaryPrimitives.WriteUInt64LittleEndian(saved[16..], _sources.Of(entry.At.Source).Value);
                BinaryPrimitives.WriteUInt32LittleEndian(saved[24..], segment.Number);
                BinaryPrimitives.WriteUInt32LittleEndian(saved[28..], (uint)entry.At.OffsetBytes);
                BinaryPrimitives.WriteInt32LittleEndian(saved[32..], entry.LengthBytes);
                BinaryPrimitives.WriteInt32LittleEndian(saved[36..], entry.Layout.BlockSizeBytes);
                BinaryPrimitives.WriteUInt32LittleEndian(saved[40..], entry.Checksum);
                BinaryPrimitives.WriteUInt32LittleEndian(saved[44..], entry.At.State == PackedState.Unproven ? 1u : 0);
                to.Write(saved);
            }
        }

        saved.Clear();
        to.Write(saved);
    }

    /// <summary>Reads what <see cref="Save"/> wrote. What it called unproven stays so, and all if they are not trusted.</summary>
    public void Load(Stream from, bool isTrusted)
    {
        Span<byte> batch = stackalloc byte[SavedBytes * LoadedAtOnce];
        from.ReadExactly(batch[..sizeof(uint)]);
        _segments.NextNumber = BinaryPrimitives.ReadUInt32LittleEndian(batch);
        var left = (from.Length - from.Position) / SavedBytes;
        _index.Reserve(left);
        while (left > 0)
        {
            var saved = batch[..(SavedBytes * (int)Math.Min(left, LoadedAtOnce))];
            from.ReadExactly(saved);
            left -= saved.Length / SavedBytes;
            Prefetch(saved);
            for (; saved.Length > 0; saved = saved[SavedBytes..])
            {
                if (BinaryPrimitives.ReadInt32LittleEndian(saved[32..]) == 0)
                {
                    return;
                }

                Load(saved, isTrusted);
            }
        }

        throw new InvalidDataException("the checkpoint's packed objects have no end");
    }

    /// <summary>
    /// Objects lie in memory in no order, so each costs the processor several waits for it: the waits of a batch overlap when they are
    /// asked for together.
    /// </summary>
    private void Prefetch(ReadOnlySpan<byte> saved)
    {
        Span<uint> hashes = stackalloc uint[LoadedAtOnce];
        hashes = hashes[..(saved.Length / SavedBytes)];
        for (var i = 0; i < hashes.Length; i++)
        {
            hashes[i] = PackedIndex.HashOf(SavedKey(saved[(i * SavedBytes)..]));
        }

        _index.Prefetch(hashes);
    }

    private void Load(ReadOnlySpan<byte> saved, bool isTrusted)
    {
        var key = SavedKey(saved);
        var shape = new FileShape(
            key,
            BinaryPrimitives.ReadInt32LittleEndian(saved[32..]),
            new BlockLayout(BinaryPrimitives.ReadInt32LittleEndian(saved[36..])),
            new SourceId(BinaryPrimitives.ReadUInt64LittleEndian(saved[16..])));
        if (!TryRecover(
            shape,
            BinaryPrimitives.ReadUInt32LittleEndian(saved[24..]),
            BinaryPrimitives.ReadUInt32LittleEndian(saved[28..]),
            BinaryPrimitives.ReadUInt32LittleEndian(saved[40..]),
            isTrusted && BinaryPrimitives.ReadUInt32LittleEndian(saved[44..]) == 0))
        {
            throw new InvalidDataException($"the checkpoint's packed object {key} makes no sense");
        }
    }

    private static FileKey SavedKey(ReadOnlySpan<byte> saved) =>
        new(BinaryPrimitives.ReadUInt64LittleEndian(saved), BinaryPrimitives.ReadUInt64LittleEndian(saved[8..]));

    /// <summary>An object as a record or checkpoint says; false if that makes no sense.</summary>
    public bool TryRecover(in FileShape shape, uint number, long offsetBytes, uint checksum, bool isProven)
    {
        var length = (int)Math.Min(shape.LengthBytes, int.MaxValue);
        if (!shape.IsValid || shape.BlockCount != 1 || length > BlockStoreOptions.PackedBytesMost
            || offsetBytes % PackedPlace.AlignmentBytes != 0
            || offsetBytes + PackedPlace.SpaceOf(length) > PackedPlace.SegmentBytesMax
            || !_sources.TryNumber(shape.Source, out var source))
        {
            return false;
        }

        if (!_recovered.TryGetValue(number, out var segment))
        {
            _recovered.Add(number, segment = _segments.Recovered(number));
        }

        TryHide(shape.Key, out _);
        var place = new PackedPlace(isProven ? PackedState.Proven : PackedState.Unproven, source, segment.Slot, offsetBytes);
        Show(new PackedEntry(shape.Key, place, length, shape.Layout, checksum));
        _index.Grow();
        return true;
    }

    /// <summary>A gone record.</summary>
    public void RecoverGone(FileKey file) => TryHide(file, out _);

    /// <summary>
    /// Opens the segments that have objects, counts their space, deletes the others. Objects whose segment has vanished are
    /// given up; those of one that is too short are verified before use.
    /// </summary>
    public async Task MatchWithDirectoryAsync()
    {
        var tallies = TallyBySlot();
        var kept = new HashSet<string>();
        foreach (var (number, segment) in _recovered)
        {
            var path = _segments.PathOf(number);
            if (!tallies.TryGetValue(segment.Slot, out var tally))
            {
                _segments.Forget(segment);
            }
            else if (File.Exists(path))
            {
                kept.Add(path);
                Adopt(segment, tally, isShort: new FileInfo(path).Length < tally.EndBytes);
            }
            else
            {
                LogSegmentLost(path, tally.Objects);
                await GiveUpAsync(segment);
                _segments.Forget(segment);
            }
        }

        foreach (var path in Directory.EnumerateFiles(_directory).Where(path => !kept.Contains(path)))
        {
            _io.Unlink(path);
        }

        _recovered.Clear();
    }

    private Dictionary<int, Tally> TallyBySlot()
    {
        var tallies = new Dictionary<int, Tally>();
        for (var item = 1u; item < _index.ItemsEnd; item++)
        {
            if (_index.TryRead(item, out var entry))
            {
                var (objects, space, end) = tallies.GetValueOrDefault(entry.At.Slot);
                tallies[entry.At.Slot] = new Tally(
                    objects + 1, space + entry.SpaceBytes, Math.Max(end, entry.At.OffsetBytes + entry.LengthBytes));
            }
        }

        return tallies;
    }

    private void Adopt(PackedSegment segment, Tally tally, bool isShort)
    {
        _segments.Adopt(segment, tally.SpaceBytes, tally.Objects, tally.EndBytes);
        if (isShort)
        {
            Living([segment]).ForEach(one => SetState(one.Entry.Key, one.Entry.At, PackedState.Unproven));
        }
    }

    private async Task GiveUpAsync(PackedSegment segment)
    {
        var tickets = new List<JournalTicket>();
        foreach (var (_, entry) in Living([segment]))
        {
            TryHide(entry.Key, out _);
            _counters.Corrupt(1);
            tickets.Add(AppendGone(entry.Key));
        }

        foreach (var ticket in tickets)
        {
            await IsDurableAsync(ticket);
            _journal.Applied(ticket);
        }
    }

    /// <summary>What the index has in one segment.</summary>
    private readonly record struct Tally(int Objects, long SpaceBytes, long EndBytes);
}
