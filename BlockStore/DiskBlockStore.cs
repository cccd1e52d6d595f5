using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Eviction;
using OrleansCache.BlockStore.Index;
using OrleansCache.BlockStore.Journal;
using OrleansCache.BlockStore.Packed;
using OrleansCache.BlockStore.Tiers;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore;

/// <summary>
/// The block store over one tier directory; see <see cref="IBlockStore"/> for its promises. Parts: the table of files, the
/// journal (what is true), the space account, the evictor (who goes), the reaper (when the bytes go), housekeeping
/// (barriers, checkpoints). Readers touch the table and one file's counters only; no lock is held across I/O but open(2).
/// </summary>
public sealed partial class DiskBlockStore : IBlockStore, IFillHost, IExtentHost, IPackedHost
{
    private readonly ConcurrentDictionary<FileKey, CachedFile> _files = new();
    private readonly BlockStoreOptions _options;
    private readonly ILogger _logger;
    private readonly MeasuredDiskIo _io;
    private readonly DiskLatency _latency;
    private readonly TierDirectory _directory;
    private readonly BlockJournal _journal;
    private readonly CacheItems _items;
    private readonly ExtentItems _extents;
    private readonly TierSpace _space;
    private readonly Reaper _reaper;
    private readonly Evictor _evictor;
    private readonly FillWriteback _writeback;
    private readonly Housekeeping _housekeeping;
    private readonly PackedStore _packed;
    private readonly StoreCounters _counters = new();
    private readonly ulong _bootTag;
    private readonly GenerationCounter _generations;
    private int _disposed;
    private volatile bool _healthy = true;
    private volatile bool _syncFailed;
    private volatile bool _closing;
    private volatile bool _recovered;

    private DiskBlockStore(
        BlockStoreOptions options, TierDirectory directory, BlockJournal journal, DiskLatency latency, ILogger logger)
    {
        _options = options;
        _logger = logger;
        _io = new MeasuredDiskIo(options.Io, latency, latency.Writes);
        _latency = latency;
        _directory = directory;
        _journal = journal;
        _bootTag = BootTagOf(options.ReadBootId());
        _generations = options.Generations ?? new GenerationCounter(options.TimeProvider);
        _items = new CacheItems(options.CapacityBytes);
        _extents = new ExtentItems(_items, this);
        _space = new TierSpace(options.CapacityBytes);
        _reaper = new Reaper(options.TimeProvider, logger);
        _packed = new PackedStore(this, options, _io, directory, journal, _space, _reaper, _counters, _items, _generations.Next(), logger);
        _evictor = new Evictor(_items, _space, options);
        _writeback = new FillWriteback(_io, options.WritebackDepth, OnSyncFailed);
        _housekeeping = new Housekeeping(this);
    }

    /// <inheritdoc/>
    public FileResidency GetResidency(FileKey file) =>
        !_files.TryGetValue(file, out var cached) ? _packed.GetResidency(file)
        : cached.Removal is null ? cached.Snapshot()
        : FileResidency.None;

    /// <inheritdoc/>
    public void Touch(FileKey file)
    {
        if (_files.TryGetValue(file, out var cached))
        {
            Touch(cached, 0, cached.Shape.BlockCount - 1);
        }
        else
        {
            _packed.Touch(file);
        }
    }

    /// <inheritdoc/>
    public PinStatus TryPin(FileKey file, long offsetBytes, int lengthBytes, out ReadPin pin)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(lengthBytes);
        pin = default;
        if (!_files.TryGetValue(file, out var cached))
        {
            return TryPinPacked(file, offsetBytes, lengthBytes, out pin);
        }

        if (offsetBytes > cached.Shape.LengthBytes - lengthBytes)
        {
            return Miss(PinStatus.Missing);
        }

        var first = cached.Shape.Layout.IndexOf(offsetBytes);
        var last = cached.Shape.Layout.IndexOf(offsetBytes + lengthBytes - 1);
        var slot = cached.Pins.Enter();
        if (!cached.HasProven(first, last) || _closing)
        {
            cached.Pins.Exit(slot);
            return Miss(HasAll(cached, first, last) ? PinStatus.Unproven : PinStatus.Missing);
        }

        var handle = cached.Handle ?? TryOpenForPin(cached);
        if (handle is null)
        {
            cached.Pins.Exit(slot);
            return Miss(PinStatus.Missing);
        }

        Touch(cached, first, last);
        _counters.PinHit(lengthBytes);
        pin = new ReadPin(cached, slot, handle, offsetBytes, lengthBytes);
        return PinStatus.Pinned;
    }

    /// <inheritdoc/>
    public BlockStoreStats GetStats()
    {
        long resident = 0, unproven = 0, blocks = 0, files = 0, fills = 0;
        foreach (var (_, file) in _files)
        {
            lock (file.Gate)
            {
                files += file.PresentBlocks > 0 ? 1 : 0;
                fills += file.Fills.Count;
                resident += file.PresentBytes;
                blocks += file.PresentBlocks;
                unproven += (long)file.CountUnproven() * file.Shape.Layout.BlockSizeBytes;
            }
        }

        var stats = _counters.ToStats() with
        {
            CapacityBytes = _space.CapacityBytes,
            UsedBytes = _space.UsedBytes,
            ResidentBytes = resident,
            UnprovenBytes = Math.Min(unproven, resident),
            Blocks = blocks,
            Files = files,
            FillsInFlight = fills,
            JournalBytes = _journal.TailAddress - _housekeeping.CheckpointAddress,
            Healthy = _healthy,
            DiskOperations = _latency.ReadAll(),
        };
        return _packed.AddTo(stats);
    }

    /// <inheritdoc/>
    public IEnumerable<StoredFile> EnumerateFiles() => EnumerateFiles(_ => true);

    /// <summary>Those of some keys; costs little for the others.</summary>
    internal IEnumerable<StoredFile> EnumerateFiles(Func<FileKey, bool> isWanted)
    {
        foreach (var (key, file) in _files.Where(pair => isWanted(pair.Key)))
        {
            lock (file.Gate)
            {
                if (file.PresentBlocks == 0)
                {
                    continue;
                }
            }

            var shape = file.Shape;
            yield return new StoredFile(
                key, shape.Source, shape.LengthBytes, shape.Layout, file.CountProven(), file.PresentBytes, file.CountUnproven());
        }

        foreach (var packed in _packed.EnumerateFiles(isWanted))
        {
            yield return packed;
        }
    }

    /// <summary>
    /// Stops fills, makes a barrier and a checkpoint, closes every file. Pins still held then read from closed files.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await CloseAsync(waitForReaders: false);
        }
    }

    private static ulong BootTagOf(Guid bootId)
    {
        Span<byte> bytes = stackalloc byte[16];
        bootId.TryWriteBytes(bytes);
        return BitConverter.ToUInt64(bytes) ^ BitConverter.ToUInt64(bytes[8..]);
    }

    private void Touch(CachedFile file, int firstBlock, int lastBlock)
    {
        file.Touch(_options.TimeProvider.GetTimestamp());
        file.TouchItems(firstBlock, lastBlock);
    }

    private static bool HasAll(CachedFile file, int first, int last)
    {
        for (var block = first; block <= last; block++)
        {
            if (!file.IsPresent(block))
            {
                return false;
            }
        }

        return true;
    }

    private static List<BlockFill> FillsOf(CachedFile file)
    {
        lock (file.Gate)
        {
            return [.. file.Fills.Values];
        }
    }

    /// <summary>A file that cannot be opened now is as good as missing: the reader goes past the store.</summary>
    private SafeFileHandle? TryOpenForPin(CachedFile file)
    {
        try
        {
            return EnsureHandle(file);
        }
        catch (IOException exception)
        {
            LogOpenFailed(exception, file.Path);
            return null;
        }
    }

    private PinStatus Miss(PinStatus status)
    {
        _counters.PinMiss();
        return status;
    }

    /// <summary>The cache file, opened if need be; null if it is being removed, or has vanished (then it is given up).</summary>
    private SafeFileHandle? EnsureHandle(CachedFile file, bool create = false)
    {
        lock (file.Gate)
        {
            if (file.Handle is { } open)
            {
                return open;
            }

            if (file.Removal is not null || _closing)
            {
                return null;
            }

            // A file with blocks is never made anew: that would serve holes for what somebody removed.
            var handle = OpenCacheFile(file, create && file.PresentBlocks == 0);
            if (handle is not null)
            {
                file.SetHandle(handle);
                _counters.FileOpened();
                return handle;
            }
        }

        LogFileLost(file.Shape.Key, file.Path);
        _counters.Corrupt(file.PresentBlocks);
        Forget(RemoveFileAsync(file));
        return null;
    }

    private SafeFileHandle? OpenCacheFile(CachedFile file, bool create)
    {
        var flags = OpenFlags.ReadWrite | (create ? OpenFlags.Create : 0);
        var handle = _io.TryOpen(file.Path, flags, out var errno);
        if (handle is null)
        {
            return errno == FileSpace.NoSuchFile && !create ? null : throw new LinuxFileException(errno, $"open {file.Path}");
        }

        try
        {
            if (RandomAccess.GetLength(handle) != file.Shape.LengthBytes)
            {
                _io.SetLength(handle, file.Shape.LengthBytes);
            }

            if (file.HasLeftovers)
            {
                PunchLeftovers(file, handle);
            }

            return handle;
        }
        catch (IOException)
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Gives back what fills and evictions that a crash interrupted left in the file: everything outside its blocks.
    /// Once per file and start. No reader can know of such bytes, but a leased file is never punched. A disk that cannot
    /// punch now keeps them until the file is opened again: they are in nobody's way.
    /// </summary>
    private void PunchLeftovers(CachedFile file, SafeFileHandle handle)
    {
        file.HasLeftovers = false;
        if (file.PresentBlocks == file.Shape.BlockCount || !FileLock.TryLockExclusive(handle))
        {
            return;
        }

        try
        {
            PunchAbsentBlocks(file, handle);
        }
        catch (IOException exception)
        {
            file.HasLeftovers = true;
            LogPunchFailed(exception, file.Path);
        }
        finally
        {
            FileLock.Unlock(handle);
        }
    }

    private void PunchAbsentBlocks(CachedFile file, SafeFileHandle handle)
    {
        for (var block = 0; block < file.Shape.BlockCount; block++)
        {
            var first = block;
            while (block < file.Shape.BlockCount && !file.IsPresent(block))
            {
                block++;
            }

            if (block > first)
            {
                var start = file.Shape.Layout.StartOf(first);
                _io.PunchHole(handle, start, file.Shape.Layout.StartOf(block) - start);
            }
        }
    }

    /// <summary>Lets a task go on by itself; its failure is logged where it ends.</summary>
    private void Forget(Task task) => task.ContinueWith(
        (ended, state) => ((DiskBlockStore)state!).LogBackgroundFailed(ended.Exception!.GetBaseException()),
        this,
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);
}
