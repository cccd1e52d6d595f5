using System.Runtime.InteropServices;
using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Index;
using OrleansCache.BlockStore.Journal;
using OrleansCache.Files;

namespace OrleansCache.BlockStore.Packed;

/// <summary>Filling: one fill per object at a time, its place first, record before visible.</summary>
internal sealed partial class PackedStore
{
    /// <summary>See <see cref="IBlockStore.BeginFillAsync"/>.</summary>
    public async ValueTask<FillAttempt> BeginFillAsync(FileShape shape, CancellationToken cancellationToken)
    {
        if (!_sources.TryNumber(shape.Source, out var source))
        {
            return new FillAttempt(FillStatus.Unavailable, null, null);
        }

        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!_host.TakesFills)
            {
                var holds = !_host.IsClosing && await HoldsAsync(shape, source);
                return new FillAttempt(holds ? FillStatus.Resident : FillStatus.Unavailable, null, null);
            }

            var isOverQuota = _host.IsOverQuota(shape.Source);
            var (attempt, released) = TryBegin(shape, source, mayBegin: !isOverQuota);
            if (attempt is { } outcome)
            {
                return outcome;
            }

            if (released is not null)
            {
                await released.WaitAsync(cancellationToken);
            }
            else if (_index.TryFind(shape.Key, out _))
            {
                await Task.Run(() => CheckAsync(shape.Key), cancellationToken);
            }
            else if (await MakeRoomAsync(shape, isOverQuota, cancellationToken) is { } refused)
            {
                _counters.FillRefused();
                return new FillAttempt(refused, null, null);
            }
        }
    }

    /// <summary>Makes a record of the fill durable, then shows the object.</summary>
    void IFillHost.Finish(BlockFill fill) => _host.Forget(FinishAsync(fill, (PackedTarget)fill.Place));

    /// <summary>
    /// Its bytes are left behind: nobody overwrites them, so readers need not be waited for. If a valid record of it may be
    /// durable they count as live until the next start.
    /// </summary>
    void IFillHost.OnFailed(BlockFill fill)
    {
        var target = (PackedTarget)fill.Place;
        _counters.FillAborted();
        lock (_index.GateOf(target.Shape.Key))
        {
            _fills.TryRemove(new(target.Shape.Key, fill));
        }

        if (target.IsUnrecorded)
        {
            _segments.Release(target.Segment, target.SpaceBytes, isFill: true);
        }

        fill.Released.SetResult();
    }

    FillFailure IFillHost.OnWriteFailed(IOException exception) => _host.OnWriteFailed(exception);

    /// <summary>
    /// The checksum of an object: over its key and length, too, so that the bytes of another object never pass for it, and
    /// over the checksums of its chunks.
    /// </summary>
    private static uint ChecksumOf(FileKey file, int lengthBytes, ReadOnlySpan<uint> crcs)
    {
        Span<ulong> identity = [file.High, file.Low, (ulong)lengthBytes];
        return ~Crc32C.Update(Crc32C.Update(~0u, MemoryMarshal.AsBytes(identity)), MemoryMarshal.AsBytes(crcs));
    }

    /// <summary>A store that takes no more fills goes on serving what it holds, verified if need be.</summary>
    private async ValueTask<bool> HoldsAsync(FileShape shape, ushort source) =>
        _index.TryFind(shape.Key, out var found) && found.Entry.LengthBytes == shape.LengthBytes
            && found.Entry.Layout == shape.Layout && found.Entry.At.Source == source
            && (found.Entry.At.State == PackedState.Proven || await CheckAsync(shape.Key) == BlockFinding.Proven);

    private (FillAttempt? Outcome, Task? Released) TryBegin(in FileShape shape, ushort source, bool mayBegin)
    {
        lock (_index.GateOf(shape.Key))
        {
            if (_fills.TryGetValue(shape.Key, out var running))
            {
                if (((PackedTarget)running.Place).Shape != shape)
                {
                    return (new FillAttempt(FillStatus.Mismatch, null, null), null);
                }

                return running.HasFailed || ((PackedTarget)running.Place).IsDropped
                    ? (null, running.Released.Task)
                    : (new FillAttempt(FillStatus.InFlight, null, running), null);
            }

            if (_index.TryFind(shape.Key, out var found))
            {
                var entry = found.Entry;
                var status = entry.LengthBytes != shape.LengthBytes || entry.Layout != shape.Layout || entry.At.Source != source
                    ? FillStatus.Mismatch
                    : FillStatus.Resident;
                return status == FillStatus.Resident && entry.At.State != PackedState.Proven
                    ? (null, null)
                    : (new FillAttempt(status, null, null), null);
            }

            if (!mayBegin || !_segments.TryAllocate((int)shape.LengthBytes, isMove: false, out var segment, out var offset))
            {
                return (null, null);
            }

            var target = new PackedTarget(this, shape, source, segment, offset);
            var fill = new BlockFill(this, _io, target, shape, 0, segment.Handle!, offset);
            _fills[shape.Key] = fill;
            return (new FillAttempt(FillStatus.Started, fill, fill), null);
        }
    }

    /// <summary>Waits for the source's quota, or opens the next segment; says why if that cannot be.</summary>
    private async ValueTask<FillStatus?> MakeRoomAsync(FileShape shape, bool isOverQuota, CancellationToken cancellationToken)
    {
        if (isOverQuota)
        {
            return await _host.AwaitQuotaAsync(shape.Source, cancellationToken) ? null : FillStatus.Refused;
        }

        return await OpenSegmentAsync((int)shape.LengthBytes, cancellationToken);
    }

    /// <summary>Opens the next segment unless somebody did; says why if that cannot be.</summary>
    private async ValueTask<FillStatus?> OpenSegmentAsync(int lengthBytes, CancellationToken cancellationToken)
    {
        await _opening.WaitAsync(cancellationToken);
        try
        {
            if (_segments.HasRoom(lengthBytes))
            {
                return null;
            }

            var bytes = _segments.HeadBytes();
            if (!_space.TryReserve(bytes) && !await _host.ReserveAsync(bytes, cancellationToken))
            {
                return FillStatus.Full;
            }

            try
            {
                _segments.OpenHead(bytes);
                return null;
            }
            catch (IOException exception)
            {
                _space.Release(bytes);
                return DiskErrors.IsShortOfDescriptors(exception.HResult)
                    || _host.OnWriteFailed(exception) == FillFailure.NoSpace
                    ? FillStatus.Full
                    : FillStatus.Unavailable;
            }
        }
        finally
        {
            _opening.Release();
        }
    }

    private async Task FinishAsync(BlockFill fill, PackedTarget target)
    {
        var shape = target.Shape;
        var length = (int)shape.LengthBytes;
        var entry = new PackedEntry(shape.Key, target.Place, length, shape.Layout, ChecksumOf(shape.Key, length, fill.Crcs));
        target.IsUnrecorded = false;
        var ticket = AppendValid(shape, target.Segment.Number, target.Place.OffsetBytes, entry.Checksum);
        if (!await IsDurableAsync(ticket))
        {
            _journal.Applied(ticket);
            fill.FailCompleting(FillFailure.DiskFailed);
            return;
        }

        JournalTicket? gone = null;
        var isLost = false;
        lock (_index.GateOf(shape.Key))
        {
            if (target.IsDropped)
            {
                gone = AppendGone(shape.Key);
            }
            else if (_host.HasSyncFailed)
            {
                isLost = true; // Its bytes may be among those that are lost.
            }
            else
            {
                Show(entry);
                fill.MarkDone();
                _segments.Settle(target.Segment);
                _fills.TryRemove(new(shape.Key, fill));
            }
        }

        _journal.Applied(ticket);
        if (gone is { } dropped)
        {
            target.IsUnrecorded = await IsDurableAsync(dropped);
            _journal.Applied(dropped);
            fill.FailCompleting(FillFailure.Dropped);
            return;
        }

        if (isLost)
        {
            fill.FailCompleting(FillFailure.DiskFailed);
            return;
        }

        _index.Grow();
        _counters.FillCompleted();
        _host.OnPacked();
        fill.Succeed();
    }

    private async Task<bool> IsDurableAsync(JournalTicket ticket)
    {
        try
        {
            await ticket.Durable;
            return true;
        }
        catch (BlockStoreException exception)
        {
            _host.SetUnhealthy(exception);
            return false;
        }
    }

    private JournalTicket AppendValid(in FileShape shape, uint segment, long offsetBytes, uint checksum)
    {
        Span<byte> record = stackalloc byte[JournalRecord.PackedMaxBytes];
        var length = JournalRecord.WritePackedValid(record, _host.BootTag, shape, segment, offsetBytes, checksum);
        return _journal.Append(record[..length]);
    }

    private JournalTicket AppendGone(FileKey file)
    {
        Span<byte> record = stackalloc byte[JournalRecord.PackedMaxBytes];
        return _journal.Append(record[..JournalRecord.WritePackedGone(record, _host.BootTag, file)]);
    }
}
