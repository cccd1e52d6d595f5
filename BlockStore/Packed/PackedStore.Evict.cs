using Microsoft.Extensions.Logging;
using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Index;
using OrleansCache.BlockStore.Journal;
using OrleansCache.Files;

namespace OrleansCache.BlockStore.Packed;

/// <summary>Giving up objects: hidden and gone record appended together, then the record durable, then the bytes count as dead.</summary>
internal sealed partial class PackedStore
{
    /// <summary>Gives up one object; its bytes come back with its segment.</summary>
    public (long LeavingBytes, Task Recorded) TryEvict(uint item, long bytesWanted)
    {
        if (!_index.TryRead(item, out var entry) || TryRemove(entry.Key, entry.At) is not { } recorded)
        {
            return (0, Task.CompletedTask);
        }

        _counters.Evicted(1);
        WakeCompactor(); // Room is short: a quarter of dead bytes is worth it now.
        return (entry.SpaceBytes, recorded);
    }

    /// <summary>See <see cref="IBlockStore.DropAsync"/>; whether there was anything.</summary>
    public async Task<bool> DropAsync(FileKey file)
    {
        BlockFill? fill;
        Task<bool>? recorded;
        lock (_index.GateOf(file))
        {
            if (_fills.TryGetValue(file, out fill))
            {
                ((PackedTarget)fill.Place).IsDropped = true;
            }

            recorded = TryRemove(file, where: null);
        }

        if (fill is not null)
        {
            fill.Abort(FillFailure.Dropped);
            if (await fill.Ended != FillFailure.None)
            {
                await fill.Released.Task;
            }
        }

        await (recorded ?? Task.FromResult(true));
        return fill is not null || recorded is not null;
    }

    /// <summary>Forgets every object of a source; how many there were.</summary>
    public async Task<int> DropSourceAsync(SourceId source)
    {
        var drops = new List<Task<bool>>();
        foreach (var (file, fill) in _fills)
        {
            if (((PackedTarget)fill.Place).Shape.Source == source)
            {
                drops.Add(DropAsync(file));
            }
        }

        for (var item = 1u; item < _index.ItemsEnd; item++)
        {
            if (_index.TryRead(item, out var entry) && _sources.Of(entry.At.Source) == source)
            {
                drops.Add(DropAsync(entry.Key));
            }
        }

        return (await Task.WhenAll(drops)).Count(was => was);
    }

    /// <summary>See <see cref="IBlockStore.EnsureVerifiedAsync"/>.</summary>
    public async ValueTask<bool> EnsureVerifiedAsync(
        FileKey file, long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        if (!_index.TryFind(file, out var found) || offsetBytes > found.Entry.LengthBytes - lengthBytes)
        {
            return false;
        }

        return found.Entry.At.State == PackedState.Proven
            || await Task.Run(() => CheckAsync(file), cancellationToken) == BlockFinding.Proven;
    }

    /// <summary>See <see cref="IBlockStore.Doubt"/>.</summary>
    public void Doubt(FileKey file)
    {
        if (_index.TryFind(file, out var found) && found.Entry.At.State == PackedState.Proven)
        {
            SetState(file, found.Entry.At, PackedState.Unproven);
        }
    }

    /// <summary>See <see cref="IBlockStore.VerifyAsync"/>.</summary>
    public async ValueTask<VerifyReport> VerifyAsync(FileKey file, CancellationToken cancellationToken)
    {
        var finding = await Task.Run(() => CheckAsync(file), cancellationToken);
        return new VerifyReport(finding == BlockFinding.Gone ? 0 : 1, finding == BlockFinding.Corrupt ? 1 : 0);
    }

    /// <summary>Reads an object, compares, and drops its pages from the page cache: the next time it is the disk that is read.</summary>
    public async Task<int> ScrubAsync(FileKey file)
    {
        if (await CheckAsync(file) == BlockFinding.Gone || !TryPinUnverified(file, out _, out var pin))
        {
            return 0;
        }

        using (pin)
        {
            _io.DropPages(pin.Handle, pin.FileOffsetBytes, pin.LengthBytes);
            return pin.LengthBytes;
        }
    }

    /// <summary>Reads an object and compares; shows it as proven, or drops it.</summary>
    private async Task<BlockFinding> CheckAsync(FileKey file)
    {
        while (TryPinUnverified(file, out var entry, out var pin))
        {
            bool matches;
            using (pin)
            {
                if (entry.At.State == PackedState.Unproven)
                {
                    // What counts is what the device has: after a failed sync the page cache may show what it will never get.
                    _io.DropPages(pin.Handle, pin.FileOffsetBytes, pin.LengthBytes);
                }

                matches = TryReadWhole(entry, pin, new byte[entry.LengthBytes]);
            }

            if (matches && SetState(file, entry.At, PackedState.Proven))
            {
                _counters.Verified();
                return BlockFinding.Proven;
            }

            if (!matches && await DropBadAsync(entry))
            {
                return BlockFinding.Corrupt;
            }
        }

        return BlockFinding.Gone;
    }

    /// <summary>Pins a whole object whether or not it is proven.</summary>
    private bool TryPinUnverified(FileKey file, out PackedEntry entry, out ReadPin pin)
    {
        while (_index.TryFind(file, out var found))
        {
            entry = found.Entry;
            if (_segments.InSlot(entry.At.Slot) is not { } segment)
            {
                continue;
            }

            var slot = segment.Pins.Enter();
            if (_host.IsClosing)
            {
                segment.Pins.Exit(slot);
                break; // After counting ourselves: whoever closes waits for those who came before.
            }

            if (_index.IsUnchanged(file, found) && segment.Handle is { } handle)
            {
                pin = new ReadPin(segment, slot, handle, entry.At.OffsetBytes, entry.LengthBytes);
                return true;
            }

            segment.Pins.Exit(slot);
        }

        (entry, pin) = (default, default);
        return false;
    }

    /// <summary>Reads a whole object; false if its bytes are not what was filled.</summary>
    private bool TryReadWhole(in PackedEntry entry, in ReadPin pin, Span<byte> into)
    {
        try
        {
            var bytes = into[..entry.LengthBytes];
            if (_io.ReadFully(pin.Handle, bytes, pin.FileOffsetBytes) < bytes.Length)
            {
                return false;
            }

            Span<uint> crcs = stackalloc uint[(bytes.Length + Crc32C.ChunkBytes - 1) / Crc32C.ChunkBytes];
            for (var i = 0; i < crcs.Length; i++)
            {
                var start = i * Crc32C.ChunkBytes;
                crcs[i] = Crc32C.Compute(bytes[start..Math.Min(start + Crc32C.ChunkBytes, bytes.Length)]);
            }

            return ChecksumOf(entry.Key, entry.LengthBytes, crcs) == entry.Checksum;
        }
        catch (IOException)
        {
            return false; // The disk refuses to read it: as bad as other bytes. Logged and counted as such.
        }
    }

    private async Task<bool> DropBadAsync(PackedEntry entry)
    {
        if (TryRemove(entry.Key, entry.At) is not { } recorded)
        {
            return false;
        }

        _host.OnCorrupt(entry.Key);
        if (!await recorded)
        {
            _host.DistrustNextStart(); // The journal still calls the bad object valid.
        }

        return true;
    }

    /// <summary>Takes an object out of the index, if it is there (and where it is said to be); the task tells whether that is durable.</summary>
    private Task<bool>? TryRemove(FileKey file, PackedPlace? where)
    {
        JournalTicket ticket;
        PackedEntry entry;
        PackedSegment segment;
        lock (_index.GateOf(file))
        {
            if (where is { } place && !(_index.TryFind(file, out var found) && found.Entry.At.IsWhere(place)))
            {
                return null;
            }

            if (!TryHide(file, out entry))
            {
                return null;
            }

            segment = _segments.InSlot(entry.At.Slot)!;
            ticket = AppendGone(file);
        }

        return FinishGoneAsync(ticket, segment, entry.SpaceBytes);
    }

    private async Task<bool> FinishGoneAsync(JournalTicket ticket, PackedSegment segment, long bytes)
    {
        var isDurable = await IsDurableAsync(ticket);
        _journal.Applied(ticket);
        if (isDurable)
        {
            _segments.Release(segment, bytes); // Else the record may or may not have reached the disk: the bytes stay.
        }

        return isDurable;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Log segment {Path} of {Objects} packed objects has vanished; they are given up")]
    private partial void LogSegmentLost(string path, int objects);
}
