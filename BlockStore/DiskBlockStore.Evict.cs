using Microsoft.Win32.SafeHandles;
using OrleansCache.BlockStore.Eviction;
using OrleansCache.BlockStore.Index;
using OrleansCache.BlockStore.Journal;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore;

/// <summary>
/// Giving up blocks and files. Always in this order: hidden from new readers, gone record durable, old readers gone,
/// punched or unlinked, bytes returned.
/// </summary>
public sealed partial class DiskBlockStore
{
    /// <inheritdoc/>
    public async ValueTask DropAsync(FileKey file, CancellationToken cancellationToken)
    {
        if (_files.TryGetValue(file, out var cached))
        {
            await RemoveFileAsync(cached).WaitAsync(cancellationToken);
        }

        await _packed.DropAsync(file).WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<int> DropSourceAsync(SourceId source, CancellationToken cancellationToken)
    {
        var removals = new List<Task>();
        foreach (var (_, file) in _files)
        {
            if (file.Shape.Source == source)
            {
                removals.Add(RemoveFileAsync(file));
            }
        }

        var packed = _packed.DropSourceAsync(source);
        await Task.WhenAll([.. removals, packed]).WaitAsync(cancellationToken);
        return removals.Count + await packed;
    }

    /// <inheritdoc/>
    public void SetSource(SourceId source, SourceCaching caching)
    {
        _items.SetSource(source, caching);
        _evictor.Nudge();
    }

    (long LeavingBytes, Task Recorded) IExtentHost.TryEvict(CachedFile file, int extent, long bytesWanted)
    {
        try
        {
            return TryEvict(file, extent, bytesWanted);
        }
        catch (IOException exception)
        {
            LogEvictionFailed(exception, file.Shape.Key); // No descriptor left, or a failing disk: others go instead.
            return (0, Task.CompletedTask);
        }
    }

    private (long LeavingBytes, Task Recorded) TryEvict(CachedFile file, int extent, long bytesWanted)
    {
        List<int> blocks;
        SafeFileHandle handle;
        long bytes;
        lock (file.Gate)
        {
            if (file.Punching is { } punching && file.Removal is null)
            {
                return (0, punching.Task);
            }

            if (file.Removal is not null || file.PresentBlocks == 0)
            {
                return (0, Task.CompletedTask);
            }

            // A leased file stays: punching it is forbidden, and unlinking it frees nothing while its holders live.
            if (EnsureHandle(file) is not { } open || !FileLock.TryLockExclusive(open))
            {
                return (0, Task.CompletedTask);
            }

            blocks = ChooseBlocks(file, extent, bytesWanted);
            if (blocks.Count == 0)
            {
                FileLock.Unlock(open); // Nothing of the extent is left.
                return (0, Task.CompletedTask);
            }

            if (file.Fills.Count == 0 && blocks.Count == file.PresentBlocks)
            {
                bytes = file.PresentBytes;
                OfferEvicted(file, Enumerable.Range(0, file.Shape.BlockCount));
                _counters.Evicted(file.PresentBlocks);
                return (bytes, RemoveFileAsync(file));
            }

            handle = open;
            OfferEvicted(file, blocks);
            bytes = HideForPunch(file, blocks);
            _counters.Evicted(blocks.Count);
        }

        return (bytes, RecordThenPunchAsync(file, handle, blocks, bytes));
    }

    /// <summary>
    /// From behind the last fill on and around: what a sequential reader has left longest ago, never what it reads next.
    /// </summary>
    private static List<int> ChooseBlocks(CachedFile file, int extent, long bytesWanted)
    {
        var blocks = new List<int>();
        var (first, count) = file.BlocksOf(extent);
        var filled = Math.Clamp(file.LastFilledBlock - first, -1, count - 1);
        long bytes = 0;
        for (var step = 1; step <= count && bytes < bytesWanted; step++)
        {
            var block = first + ((filled + step) % count);
            if (file.IsPresent(block))
            {
                blocks.Add(block);
                bytes += file.Shape.BlockDiskBytes(block);
            }
        }

        return blocks;
    }

    /// <summary>Hides blocks that will be punched; the caller holds the gate and has the exclusive flock.</summary>
    private long HideForPunch(CachedFile file, List<int> blocks)
    {
        file.Punching = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        long bytes = 0;
        foreach (var block in blocks)
        {
            file.Hide(block);
            bytes += file.Shape.BlockDiskBytes(block);
        }

        _space.Leave(bytes);
        return bytes;
    }

    private async Task<bool> RecordThenPunchAsync(CachedFile file, SafeFileHandle handle, List<int> blocks, long bytes)
    {
        if (!await RecordGoneAsync(file.Shape.Key, blocks))
        {
            file.EndPunch(); // Hidden for good, and not punched: the records may or may not have reached the disk.
            FileLock.Unlock(handle);
            return false;
        }

        _reaper.Add(new PunchTask(_io, file, handle, blocks, () =>
        {
            file.EndPunch();
            _space.Left(bytes);
            RemoveIfEmpty(file);
        }));
        return true;
    }

    /// <summary>Makes gone records durable; false if the journal failed.</summary>
    private async Task<bool> RecordGoneAsync(FileKey file, List<int> blocks)
    {
        var tickets = new List<JournalTicket>();
        foreach (var part in blocks.Chunk(JournalRecord.GoneBlocksMax))
        {
            tickets.Add(AppendGone(file, part));
        }

        return await AreDurableAsync(tickets);
    }

    private async Task<bool> AreDurableAsync(List<JournalTicket> tickets)
    {
        try
        {
            await Task.WhenAll(tickets.Select(ticket => ticket.Durable));
            return true;
        }
        catch (BlockStoreException exception)
        {
            SetUnhealthy(exception);
            return false;
        }
        finally
        {
            tickets.ForEach(_journal.Applied);
        }
    }

    private JournalTicket AppendGone(FileKey file, int[]? blocks)
    {
        Span<byte> record = stackalloc byte[JournalRecord.MaxBytes];
        var length = blocks is null
            ? JournalRecord.WriteFileGone(record, _bootTag, file)
            : JournalRecord.WriteBlocksGone(record, _bootTag, file, blocks);
        return _journal.Append(record[..length]);
    }

    private void RemoveIfEmpty(CachedFile file)
    {
        lock (file.Gate)
        {
            if (file.PresentBlocks > 0 || file.Fills.Count > 0 || file.Punching is not null || file.Removal is not null)
            {
                return;
            }

            Forget(RemoveFileAsync(file));
        }
    }

    /// <summary>Gives up a whole file. Many may ask; it happens once. Ends when the name is free again.</summary>
    private Task RemoveFileAsync(CachedFile file)
    {
        long bytes;
        lock (file.Gate)
        {
            if (file.Removal is { } running)
            {
                return running.Task;
            }

            file.Removal = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            bytes = file.PresentBytes;
            for (var block = 0; block < file.Shape.BlockCount && file.PresentBlocks > 0; block++)
            {
                file.Hide(block);
            }

            _space.Leave(bytes);
        }

        Forget(FinishRemovalAsync(file, bytes));
        return file.Removal.Task;
    }

    private async Task FinishRemovalAsync(CachedFile file, long bytes)
    {
        try
        {
            foreach (var fill in FillsOf(file))
            {
                fill.Abort(FillFailure.Dropped);
                if (await fill.Ended != FillFailure.None)
                {
                    await fill.Released.Task;
                }
            }

            if (file.Punching is { } punching)
            {
                await punching.Task;
            }

            if (!file.InJournal || await AreDurableAsync([AppendGone(file.Shape.Key, blocks: null)]))
            {
                UnlinkAndClose(file, bytes);
                _files.TryRemove(new(file.Shape.Key, file));
            }
        }
        catch (IOException exception)
        {
            SetUnhealthy(exception); // The name is not free: nothing may be filled under it.
        }
        finally
        {
            file.Removal!.TrySetResult();
        }
    }

    private void UnlinkAndClose(CachedFile file, long bytes)
    {
        var handle = file.Handle;
        var isNew = handle is null;
        handle ??= _io.TryOpen(file.Path, OpenFlags.ReadWrite, out _);
        try
        {
            _io.Unlink(file.Path);
        }
        catch (IOException) when (isNew)
        {
            handle?.Dispose();
            throw;
        }

        if (handle is null)
        {
            _space.Left(bytes);
            return;
        }

        if (isNew)
        {
            _counters.FileOpened();
        }

        // Who holds a lease keeps the bytes; they are ours to count until the kept descriptor can be locked.
        var leased = !FileLock.TryLockExclusive(handle);
        if (leased)
        {
            _space.Leave(-bytes);
            _counters.UnlinkedOpen(bytes);
        }

        _reaper.Add(new CloseTask(file, handle, leased, () =>
        {
            _counters.FileClosed();
            if (leased)
            {
                _counters.UnlinkedOpen(-bytes);
                _space.Release(bytes);
            }
            else
            {
                _space.Left(bytes);
            }
        }));
    }
}
