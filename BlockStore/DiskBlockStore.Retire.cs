using OrleansCache.BlockStore.Index;

namespace OrleansCache.BlockStore;

/// <summary>Closing, also while the process goes on: once this has ended nothing of the store touches its directory again.</summary>
public sealed partial class DiskBlockStore
{
    private static readonly TimeSpan ReadersPollPeriod = TimeSpan.FromMilliseconds(5);

    /// <summary>Whether it takes fills.</summary>
    internal bool IsHealthy => _healthy;

    /// <summary>
    /// Gives no more pins, leases and fills, waits for the readers there are and for what is being given up, then closes. True if
    /// everything visible is on the device, so that a store opened here later may believe what this one knew.
    /// </summary>
    internal async Task<bool> RetireAsync() =>
        Interlocked.Exchange(ref _disposed, 1) == 0 && await CloseAsync(waitForReaders: true);

    private async Task<bool> CloseAsync(bool waitForReaders)
    {
        _closing = true;
        Interlocked.MemoryBarrier();
        foreach (var (_, file) in _files)
        {
            foreach (var fill in FillsOf(file))
            {
                fill.Abort(FillFailure.Abandoned);
                await fill.Ended;
            }
        }

        await _packed.StopAsync();
        await _writeback.DisposeAsync();
        await _housekeeping.DisposeAsync();
        await _evictor.DisposeAsync();
        while (waitForReaders && (_packed.IsInUse || _files.Any(pair => IsInUse(pair.Value))))
        {
            await Task.Delay(ReadersPollPeriod, _options.TimeProvider);
        }

        await _reaper.DisposeAsync();
        var inOrder = _healthy; // What comes too late for the journal below is refused there, and harmless.
        await _journal.DisposeAsync();
        if (!inOrder)
        {
            DistrustNextStart();
        }

        foreach (var (_, file) in _files)
        {
            file.Handle?.Dispose();
        }

        _packed.Dispose();
        _directory.Dispose();
        return inOrder;
    }

    /// <summary>Taking the gate also waits for whoever opens the file at this moment.</summary>
    private static bool IsInUse(CachedFile file)
    {
        lock (file.Gate)
        {
            return file.Removal is { Task.IsCompleted: false } || file.Punching is not null || !file.Pins.IsIdle;
        }
    }
}
