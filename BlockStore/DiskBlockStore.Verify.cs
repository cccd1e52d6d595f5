using System.Buffers;
using Microsoft.Win32.SafeHandles;
using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Index;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore;

/// <summary>Checking bytes against checksums: before first use after a restart of the machine, on scrub, on request.</summary>
public sealed partial class DiskBlockStore
{
    /// <inheritdoc/>
    public async ValueTask<bool> EnsureVerifiedAsync(
        FileKey file, long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(lengthBytes);
        if (!_files.TryGetValue(file, out var cached))
        {
            return await _packed.EnsureVerifiedAsync(file, offsetBytes, lengthBytes, cancellationToken);
        }

        if (offsetBytes > cached.Shape.LengthBytes - lengthBytes)
        {
            return false;
        }

        var last = cached.Shape.Layout.IndexOf(offsetBytes + lengthBytes - 1);
        var all = true;
        for (var block = cached.Shape.Layout.IndexOf(offsetBytes); block <= last; block++)
        {
            all &= cached.IsProven(block) || await VerifyBlockAsync(cached, block, cancellationToken) == BlockFinding.Proven;
        }

        return all;
    }

    /// <inheritdoc/>
    public void Doubt(FileKey file, long offsetBytes, int lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(lengthBytes);
        if (!_files.TryGetValue(file, out var cached))
        {
            _packed.Doubt(file);
            return;
        }

        if (offsetBytes > cached.Shape.LengthBytes - lengthBytes)
        {
            return;
        }

        var last = cached.Shape.Layout.IndexOf(offsetBytes + lengthBytes - 1);
        lock (cached.Gate)
        {
            for (var block = cached.Shape.Layout.IndexOf(offsetBytes); block <= last; block++)
            {
                if (cached.IsProven(block))
                {
                    cached.Show(block, cached.Crcs(block)!, proven: false);
                }
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask<VerifyReport> VerifyAsync(FileKey file, CancellationToken cancellationToken)
    {
        if (!_files.TryGetValue(file, out var cached))
        {
            return await _packed.VerifyAsync(file, cancellationToken);
        }

        int examined = 0, corrupt = 0;
        for (var block = 0; block < cached.Shape.BlockCount; block++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (cached.IsPresent(block))
            {
                var finding = await Task.Run(() => CheckBlockAsync(cached, block), cancellationToken);
                examined += finding is BlockFinding.Proven or BlockFinding.Corrupt ? 1 : 0;
                corrupt += finding == BlockFinding.Corrupt ? 1 : 0;
            }
        }

        return new VerifyReport(examined, corrupt);
    }

    /// <summary>Verifies an unproven block once, however many ask at the same time.</summary>
    private async Task<BlockFinding> VerifyBlockAsync(CachedFile file, int block, CancellationToken cancellationToken)
    {
        Task<BlockFinding>? verification;
        lock (file.Gate)
        {
            if (file.Removal is not null || !file.IsUnproven(block))
            {
                return file.IsProven(block) ? BlockFinding.Proven : BlockFinding.Gone;
            }

            file.Verifying ??= [];
            if (!file.Verifying.TryGetValue(block, out verification))
            {
                verification = Task.Run(() => CheckBlockAsync(file, block), CancellationToken.None);
                file.Verifying.Add(block, verification);
            }
        }

        return await verification.WaitAsync(cancellationToken);
    }

    /// <summary>Reads a block and compares; shows it as proven, or drops it.</summary>
    private async Task<BlockFinding> CheckBlockAsync(CachedFile file, int block)
    {
        var slot = file.Pins.Enter();
        uint[]? crcs;
        bool matches;
        try
        {
            crcs = file.Crcs(block);
            if (crcs is not null && EnsureHandle(file) is { } handle)
            {
                DropPagesOfUnproven(file, block, handle);
                matches = Matches(_io, file.Shape, block, handle, crcs);
            }
            else
            {
                matches = false;
            }
        }
        catch (IOException exception)
        {
            LogOpenFailed(exception, file.Path);
            return BlockFinding.Unreadable;
        }
        finally
        {
            file.Pins.Exit(slot);
            lock (file.Gate)
            {
                file.Verifying?.Remove(block); // Also when the file cannot be opened now: the next reader tries again.
            }
        }

        lock (file.Gate)
        {
            if (crcs is null || _closing || !ReferenceEquals(file.Crcs(block), crcs))
            {
                // Evicted meanwhile, perhaps filled anew, or not to be opened any more: nothing was learned.
                return file.IsProven(block) ? BlockFinding.Proven : BlockFinding.Gone;
            }

            if (matches)
            {
                file.Show(block, crcs, proven: true);
            }
        }

        if (matches)
        {
            _counters.Verified();
            return BlockFinding.Proven;
        }

        await DropBadBlockAsync(file, block, crcs);
        return BlockFinding.Corrupt;
    }

    /// <summary>
    /// What counts is what the device has: after a failed sync the page cache may still show bytes that it will never get.
    /// </summary>
    private void DropPagesOfUnproven(CachedFile file, int block, SafeFileHandle handle)
    {
        if (file.IsUnproven(block))
        {
            _io.DropPages(handle, file.Shape.Layout.StartOf(block), file.Shape.BlockLength(block));
        }
    }

    private static bool Matches(IDiskIo io, FileShape shape, int block, SafeFileHandle handle, uint[] crcs)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Crc32C.ChunkBytes);
        try
        {
            var start = shape.Layout.StartOf(block);
            var left = shape.BlockLength(block);
            foreach (var expected in crcs)
            {
                var chunk = buffer.AsSpan(0, Math.Min(left, Crc32C.ChunkBytes));
                if (io.ReadFully(handle, chunk, start) < chunk.Length || Crc32C.Compute(chunk) != expected)
                {
                    return false;
                }

                start += chunk.Length;
                left -= chunk.Length;
            }

            return left == 0;
        }
        catch (IOException)
        {
            return false; // The disk refuses to read it: as bad as other bytes. Logged and counted as such.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task DropBadBlockAsync(CachedFile file, int block, uint[] crcs)
    {
        SafeFileHandle? handle;
        long bytes;
        while (true)
        {
            Task punching;
            lock (file.Gate)
            {
                if (file.Removal is not null || !ReferenceEquals(file.Crcs(block), crcs))
                {
                    return;
                }

                if (file.Punching is null)
                {
                    // Hidden like an evicted block. A leased file is not punched: the next fill overwrites the bad bytes.
                    handle = TryOpenForPin(file) is { } open && FileLock.TryLockExclusive(open) ? open : null;
                    bytes = HideForPunch(file, [block]);
                    break;
                }

                punching = file.Punching.Task;
            }

            await punching;
        }

        _counters.Corrupt(1);
        LogCorrupt(file.Shape.Key, block);
        bool isRecorded;
        if (handle is not null)
        {
            isRecorded = await RecordThenPunchAsync(file, handle, [block], bytes);
        }
        else
        {
            isRecorded = await RecordGoneAsync(file.Shape.Key, [block]);
            file.EndPunch();
            _space.Left(bytes);
            RemoveIfEmpty(file);
        }

        if (!isRecorded)
        {
            DistrustNextStart(); // The journal still calls the bad block valid.
        }
    }
}
