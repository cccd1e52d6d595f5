using Microsoft.Extensions.Logging;

namespace OrleansCache.BlockStore.Tiers;

/// <summary>Disks that come and go.</summary>
public sealed partial class TieredBlockStore
{
    private const int InputOutputError = 5, ReadOnlyFileSystem = 30; // EIO, EROFS

    /// <summary>Readers of a disk that is put in again have this long to leave.</summary>
    private static readonly TimeSpan ReadersLeaveWithin = TimeSpan.FromSeconds(5);

    private TieredBlockStore(
        IReadOnlyList<BlockStoreOptions> disks, long scrubBytesPerSecond, TimeProvider time, ILogger logger)
    {
        ArgumentOutOfRangeException.ThrowIfZero(disks.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(disks.Count, DiskSet.DisksMax);
        _disks = [.. disks.Select(options => new TierDisk(options))];
        _scrubBytesPerSecond = scrubBytesPerSecond;
        _time = time;
        _logger = logger;
        var generations = new GenerationCounter(time);
        foreach (var disk in _disks)
        {
            disk.Options.Generations = generations;
            disk.Options.Failed = (store, exception) => OnFailed(disk, store, exception);
        }

        if (_disks.DistinctBy(disk => disk.Options.Medium).Count() > 1)
        {
            BeginMoving();
        }
    }

    /// <summary>The disks as the settings have them.</summary>
    public IEnumerable<DiskStatus> Disks
    {
        get
        {
            foreach (var disk in _disks)
            {
                DiskBlockStore? store;
                DiskStatus status;
                lock (_gate)
                {
                    store = disk.Store;
                    status = new DiskStatus(
                        disk.Directory, disk.Options.Medium, disk.Options.CapacityBytes, disk.State, disk.Reason,
                        disk.ScrubbedBytes + (disk.Scrubber?.ScrubbedBytes ?? 0), Stats: null);
                }

                yield return store is null ? status : status with { Stats = store.GetStats() };
            }
        }
    }

    /// <summary>
    /// Opens all disks. Throws <see cref="BlockStoreException"/> when one cannot be used as it is: that is for whoever wrote the
    /// settings. One whose disk answers with errors is left out, unless there is no other. Each disk's blocks are read and
    /// compared in the background at the rate given; 0 is never.
    /// </summary>
    public static async Task<TieredBlockStore> OpenAsync(
        IReadOnlyList<BlockStoreOptions> disks, long scrubBytesPerSecond, TimeProvider time, ILogger logger,
        CancellationToken cancellationToken)
    {
        var tiered = new TieredBlockStore(disks, scrubBytesPerSecond, time, logger);
        try
        {
            foreach (var disk in tiered._disks)
            {
                await tiered.OpenAtStartAsync(disk, cancellationToken);
            }

            return tiered;
        }
        catch
        {
            await tiered.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops using a disk. What it holds stays there; readers under way end in peace.</summary>
    public DiskChange TakeOut(string directory)
    {
        if (Find(directory) is not { } disk)
        {
            return DiskChange.Unknown;
        }

        if (Hide(disk, expected: null, DiskState.Out, "taken out by hand"))
        {
            LogTakenOut(disk.Directory);
        }

        return DiskChange.Done;
    }

    /// <summary>
    /// Uses a disk again. What is left on it is served: at once if it was closed in order, else block by block once its bytes
    /// were read and compared.
    /// </summary>
    public async Task<DiskChange> PutInAsync(string directory, CancellationToken cancellationToken)
    {
        if (Find(directory) is not { } disk)
        {
            return DiskChange.Unknown;
        }

        Task<bool> closing;
        lock (_gate)
        {
            if (disk.State == DiskState.In)
            {
                return DiskChange.Done;
            }

            if (disk.IsOpening || _disposed)
            {
                return DiskChange.Busy;
            }

            disk.IsOpening = true;
            closing = disk.Closing;
        }

        try
        {
            var wasClosed = await closing.WaitAsync(ReadersLeaveWithin, _time, cancellationToken);
            disk.Options.Distrust = wasClosed ? null : "it was not closed in order when it was taken out";
            var store = await OpenStoreAsync(disk, _logger, CancellationToken.None);
            await CatchUpAsync(disk, store);
            lock (_gate)
            {
                if (disk.Store != store)
                {
                    return DiskChange.Refused; // It failed again already: the reason is in its status.
                }
            }

            LogPutIn(disk.Directory);
            return DiskChange.Done;
        }
        catch (TimeoutException)
        {
            return DiskChange.Busy;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            lock (_gate)
            {
                disk.Reason = exception.Message;
                disk.Closing = Task.FromResult(false); // Half opened or not at all: nothing is believed the next time.
            }

            return DiskChange.Refused;
        }
        finally
        {
            lock (_gate)
            {
                disk.IsOpening = false;
            }
        }
    }

    /// <summary>Closes all disks in order.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _disposed = true;
        }

        await StopMovingAsync();
        foreach (var disk in _disks)
        {
            if (disk.Store is { } store)
            {
                await StopScrubberAsync(disk);
                await store.DisposeAsync();
            }

            try
            {
                await disk.Closing.WaitAsync(ReadersLeaveWithin, _time);
            }
            catch (TimeoutException)
            {
                // Whoever still reads from it ends with the process; its index is in the journal.
            }
        }
    }

    private async Task OpenAtStartAsync(TierDisk disk, CancellationToken cancellationToken)
    {
        try
        {
            var store = await OpenStoreAsync(disk, _logger, cancellationToken);
            await CatchUpAsync(disk, store);
        }
        catch (BlockStoreException exception) when (IsDiskTrouble(exception) && Array.Exists(_disks, MayServe))
        {
            lock (_gate)
            {
                disk.State = DiskState.Failed;
                disk.Reason = exception.Message;
                disk.Closing = Task.FromResult(false);
            }

            LogFailed(exception, disk.Directory, exception.Message);
        }

        // In the order of the settings: the last one decides whether there is any.
        bool MayServe(TierDisk other) => other.Store is not null || Array.IndexOf(_disks, other) > Array.IndexOf(_disks, disk);
    }

    /// <summary>What the settings cannot cure.</summary>
    private static bool IsDiskTrouble(BlockStoreException exception) =>
        exception.Error is BlockStoreError.JournalFailed or BlockStoreError.DiskFailed
        || exception.InnerException?.HResult is InputOutputError or ReadOnlyFileSystem;

    private static async Task<DiskBlockStore> OpenStoreAsync(TierDisk disk, ILogger logger, CancellationToken cancellationToken) =>
        (DiskBlockStore)await DiskBlockStore.OpenAsync(disk.Options, logger, cancellationToken);

    private TierDisk? Find(string directory)
    {
        var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        return Array.Find(_disks, disk => disk.Directory == path);
    }

    /// <summary>Shows an opened disk, once it has dropped what was dropped while it was out.</summary>
    private async Task CatchUpAsync(TierDisk disk, DiskBlockStore store)
    {
        while (!TryShow(disk, store))
        {
            MissedDrops missed;
            lock (_gate)
            {
                (missed, disk.Missed) = (disk.Missed, new MissedDrops());
            }

            await missed.ApplyToAsync(store);
            if (!store.IsHealthy || _disposed)
            {
                lock (_gate)
                {
                    disk.Missed.Add(missed);
                }

                await store.RetireAsync();
                throw new BlockStoreException(
                    BlockStoreError.DiskFailed, $"The disk of tier {disk.Directory} failed before it could drop what was dropped while it was out.");
            }
        }

        TellAllSources();
        if (!store.IsHealthy)
        {
            OnFailed(disk, store, new IOException("it failed while it was opened")); // Before anybody could hear of it.
        }
    }

    /// <summary>False if something was dropped that the store was not told of.</summary>
    private bool TryShow(TierDisk disk, DiskBlockStore store)
    {
        lock (_gate)
        {
            if (!disk.Missed.IsEmpty || _disposed)
            {
                return false;
            }

            disk.Store = store;
            disk.State = DiskState.In;
            disk.Reason = null;
            disk.FullUntil = long.MinValue;
            if (_scrubBytesPerSecond > 0 && disk.Options.Medium != TierMedium.Memory)
            {
                disk.Scrubber = new Scrubber(store, disk.Directory, _scrubBytesPerSecond, _time, _logger);
            }

            Publish();
            return true;
        }
    }

    /// <summary>Called by the store in the middle of something: nothing is waited for.</summary>
    private void OnFailed(TierDisk disk, DiskBlockStore store, Exception exception)
    {
        if (Hide(disk, store, DiskState.Failed, exception.Message))
        {
            LogFailed(exception, disk.Directory, exception.Message);
        }
    }

    /// <summary>Takes a disk out of what readers see, then closes it behind their backs. False if it was out already.</summary>
    private bool Hide(TierDisk disk, DiskBlockStore? expected, DiskState state, string reason)
    {
        lock (_gate)
        {
            if (_disposed || disk.Store is not { } store || (expected is not null && store != expected))
            {
                return false;
            }

            disk.State = state;
            disk.Reason = reason;
            disk.Store = null;
            disk.Closing = Task.Run(async () =>
            {
                await StopScrubberAsync(disk);
                return await store.RetireAsync();
            });
            Publish();
            return true;
        }
    }

    private async Task StopScrubberAsync(TierDisk disk)
    {
        Scrubber? scrubber;
        lock (_gate)
        {
            scrubber = disk.Scrubber;
            disk.Scrubber = null;
            disk.ScrubbedBytes += scrubber?.ScrubbedBytes ?? 0;
        }

        if (scrubber is not null)
        {
            await scrubber.DisposeAsync();
        }
    }

    private void Publish() => _set = new DiskSet(_disks.Where(disk => disk.Store is not null));

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Tier {Directory} failed and is taken out: {Why}. Its blocks are fetched again; see to the disk, then `ocache disks in` it")]
    private partial void LogFailed(Exception exception, string directory, string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Tier {Directory} was taken out by hand")]
    private partial void LogTakenOut(string directory);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Tier {Directory} is used again")]
    private partial void LogPutIn(string directory);
}
