using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Eviction;
using OrleansCache.BlockStore.Index;
using OrleansCache.BlockStore.Journal;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore;

/// <summary>Filling: one fill per block at a time, space first, record before visible.</summary>
public sealed partial class DiskBlockStore
{
    private const int FileTooBig = 27; // EFBIG

    /// <inheritdoc/>
    public async ValueTask<FillAttempt> BeginFillAsync(FillRequest request, CancellationToken cancellationToken)
    {
        var shape = new FileShape(request.File, request.FileLengthBytes, request.Layout, request.Source);
        var block = request.BlockIndex;
        if (!shape.IsValid || (uint)block >= (uint)shape.BlockCount)
        {
            return new FillAttempt(FillStatus.Mismatch, null, null);
        }

        if (IsPacked(shape))
        {
            return await BeginPackedFillAsync(shape, cancellationToken);
        }

        var bytes = shape.BlockDiskBytes(block);
        var reserved = false;
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!_healthy || _closing)
                {
                    var holds = !_closing && await HoldsAsync(shape, block, cancellationToken);
                    return new FillAttempt(holds ? FillStatus.Resident : FillStatus.Unavailable, null, null);
                }

                var file = _files.GetOrAdd(shape.Key, static (key, state) => state.Store.NewFile(state.Shape), (Store: this, Shape: shape));
                if (file.Shape != shape)
                {
                    return new FillAttempt(FillStatus.Mismatch, null, null);
                }

                reserved = reserved || (!_items.IsOverQuota(shape.Source) && _space.TryReserve(bytes));
                var (attempt, wait) = TryBeginOrSayWhyNot(file, block, ref reserved);
                if (attempt is { } outcome)
                {
                    if (outcome.Status is FillStatus.Full or FillStatus.Unavailable or FillStatus.Refused)
                    {
                        RemoveIfEmpty(file); // Its cache file could not be opened: nothing of it is worth remembering.
                    }

                    return outcome;
                }

                if (wait is not null)
                {
                    await wait.WaitAsync(cancellationToken);
                }
                else if (file.IsUnproven(block))
                {
                    if (await VerifyBlockAsync(file, block, cancellationToken) == BlockFinding.Unreadable)
                    {
                        return new FillAttempt(FillStatus.Unavailable, null, null);
                    }
                }
                else if (!reserved && await MakeRoomAsync(shape.Source, bytes, cancellationToken) is var room)
                {
                    reserved = room == FillStatus.Started;
                    if (!reserved)
                    {
                        _counters.FillRefused();
                        RemoveIfEmpty(file);
                        return new FillAttempt(room, null, null);
                    }
                }
            }
        }
        finally
        {
            if (reserved)
            {
                _space.Release(bytes); // Not used: somebody else has the block, or the fill.
            }
        }
    }

    /// <summary>Started when the bytes are reserved.</summary>
    private async ValueTask<FillStatus> MakeRoomAsync(SourceId source, long bytes, CancellationToken cancellationToken) =>
        !await _evictor.AwaitQuotaAsync(source, cancellationToken) ? FillStatus.Refused
        : await _evictor.ReserveAsync(bytes, cancellationToken) ? FillStatus.Started
        : FillStatus.Full;

    /// <summary>A store that takes no more fills goes on serving what it holds, verified if need be.</summary>
    private async ValueTask<bool> HoldsAsync(FileShape shape, int block, CancellationToken cancellationToken) =>
        _files.TryGetValue(shape.Key, out var file) && file.Shape == shape
            && (file.IsProven(block) || await VerifyBlockAsync(file, block, cancellationToken) == BlockFinding.Proven);

    /// <summary>Makes a record of the fill durable, then shows the block.</summary>
    void IFillHost.Finish(BlockFill fill) => Forget(FinishFillAsync(fill));

    /// <summary>
    /// Punches what the fill wrote, once nobody reads it, and lets the block be filled again. Under a lease the bytes stay:
    /// its holder may have been told of them as they arrived.
    /// </summary>
    void IFillHost.OnFailed(BlockFill fill)
    {
        _counters.FillAborted();
        _space.Leave(fill.DiskBytes);
        _reaper.Add(new FailedFillTask(_io, fill, () =>
        {
            lock (fill.File.Gate)
            {
                fill.File.RemoveFill(fill.Block);
            }

            _space.Left(fill.DiskBytes);
            fill.Released.SetResult();
            RemoveIfEmpty(fill.File);
        }));
    }

    /// <summary>Tells a full disk, which eviction cures, from a broken one.</summary>
    FillFailure IFillHost.OnWriteFailed(IOException exception)
    {
        if (DiskErrors.IsFull(exception))
        {
            LogDiskFull(_directory.Root, _space.UsedBytes);
            _space.SetDiskRoom(0, _options.FreeSpaceFloorBytes);
            _evictor.Nudge();
            return FillFailure.NoSpace;
        }

        SetUnhealthy(exception);
        return FillFailure.DiskFailed;
    }

    private CachedFile NewFile(FileShape shape)
    {
        var file = new CachedFile(shape, _directory, _generations.Next());
        if (_recovered)
        {
            file.Enlist(_extents);
        }

        return file;
    }

    /// <summary>A cache file that cannot be created or opened means: read through. It does not fail the reader.</summary>
    private (FillAttempt? Outcome, Task? Wait) TryBeginOrSayWhyNot(CachedFile file, int block, ref bool reserved)
    {
        try
        {
            return TryBegin(file, block, ref reserved);
        }
        catch (LinuxFileException exception) when (DiskErrors.IsShortOfDescriptors(exception.Errno))
        {
            _counters.FillRefused(); // Ours to bear until idle files are closed; the disk is well.
            return (new FillAttempt(FillStatus.Full, null, null), null);
        }
        catch (LinuxFileException exception) when (exception.Errno == FileTooBig)
        {
            LogOpenFailed(exception, file.Path);
            _counters.FillRefused(); // The file system holds no file as long as this one. Others fit.
            return (new FillAttempt(FillStatus.Refused, null, null), null);
        }
        catch (IOException exception)
        {
            var isFull = ((IFillHost)this).OnWriteFailed(exception) == FillFailure.NoSpace;
            return (new FillAttempt(isFull ? FillStatus.Full : FillStatus.Unavailable, null, null), null);
        }
    }

    private (FillAttempt? Outcome, Task? Wait) TryBegin(CachedFile file, int block, ref bool reserved)
    {
        lock (file.Gate)
        {
            if (_closing)
            {
                return (new FillAttempt(FillStatus.Unavailable, null, null), null);
            }

            if (file.Removal is { } removal)
            {
                return (null, removal.Task);
            }

            if (file.IsProven(block))
            {
                return (new FillAttempt(FillStatus.Resident, null, null), null);
            }

            if (file.Fills.TryGetValue(block, out var running))
            {
                return running.HasFailed
                    ? (null, running.Released.Task)
                    : (new FillAttempt(FillStatus.InFlight, null, running), null);
            }

            if (file.Punching is { } punching)
            {
                return (null, punching.Task);
            }

            if (file.IsUnproven(block) || !reserved)
            {
                return (null, null);
            }

            if (EnsureHandle(file, create: true) is not { } handle)
            {
                return (null, file.Removal?.Task ?? Task.CompletedTask); // It has vanished: given up, then begun anew.
            }

            var fill = new BlockFill(this, _io, file, block, handle);
            file.AddFill(fill);
            reserved = false; // The fill has it now.
            file.Touch(_options.TimeProvider.GetTimestamp());
            return (new FillAttempt(FillStatus.Started, fill, fill), null);
        }
    }

    private async Task FinishFillAsync(BlockFill fill)
    {
        var file = fill.File;
        file.InJournal = true;
        var ticket = AppendValid(fill);
        try
        {
            await ticket.Durable;
        }
        catch (BlockStoreException exception)
        {
            SetUnhealthy(exception);
            _journal.Applied(ticket);
            fill.FailCompleting(FillFailure.DiskFailed);
            return;
        }

        bool shown;
        lock (file.Gate)
        {
            // Its bytes may be among those that a failed sync has lost.
            shown = file.Removal is null && !_syncFailed;
            if (shown)
            {
                file.Show(fill.Block, fill.Crcs, proven: true);
                fill.MarkDone();
                if (fill.BlockLengthBytes >= FillWriteback.BytesMin)
                {
                    _writeback.Offer(fill.Handle, fill.BlockOffsetBytes, fill.BlockLengthBytes); // Before closing can miss the fill.
                }

                file.RemoveFill(fill.Block);
                file.LastFilledBlock = fill.Block;
            }
        }

        _journal.Applied(ticket);
        if (!shown)
        {
            fill.FailCompleting(_syncFailed ? FillFailure.DiskFailed : FillFailure.Dropped);
            return;
        }

        _counters.FillCompleted();
        _housekeeping.OnFilled(file, fill.Block);
        fill.Succeed();
        _evictor.Nudge();
    }

    private JournalTicket AppendValid(BlockFill fill)
    {
        Span<byte> record = stackalloc byte[JournalRecord.MaxBytes];
        var length = JournalRecord.WriteValid(record, _bootTag, fill.File.Shape, fill.Block, fill.Crcs);
        return _journal.Append(record[..length]);
    }
}
