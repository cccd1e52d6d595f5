using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;
using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Eviction;
using OrleansCache.BlockStore.Index;
using OrleansCache.BlockStore.Journal;

namespace OrleansCache.BlockStore;

public sealed partial class DiskBlockStore
{
    /// <inheritdoc/>
    public ValueTask SyncAsync(CancellationToken cancellationToken) =>
        new(_housekeeping.BarrierAsync(always: true).WaitAsync(cancellationToken));

    /// <summary>
    /// What happens by the clock: sync barriers, checkpoints, the look at the disk's free space, closing idle files.
    /// One loop; barriers and checkpoints exclude each other.
    /// </summary>
    private sealed class Housekeeping : IAsyncDisposable
    {
        private const int DropQueueMax = 1 << 16; // 256 GiB of fills per barrier at 4 MiB; beyond, pages stay cached.
        private const int RecordScratchBytes = 64;
        private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

        private readonly DiskBlockStore _store;
        private readonly BlockStoreOptions _options;
        private readonly SemaphoreSlim _one = new(1);
        private readonly CancellationTokenSource _stop = new();
        private readonly ConcurrentQueue<(CachedFile File, int Block)> _toDrop = new();
        private Task _loop = Task.CompletedTask;
        private int _changed;
        private long _lastBarrier;

        public Housekeeping(DiskBlockStore store)
        {
            _store = store;
            _options = store._options;
            _lastBarrier = _options.TimeProvider.GetTimestamp();
        }

        /// <summary>Where the last checkpoint's journal begins.</summary>
        public long CheckpointAddress { get; set; }

        /// <summary>The last checkpoint's length.</summary>
        public long CheckpointBytes { get; set; }

        public void Start()
        {
            LookAtDisk();
            _loop = RunAsync();
        }

        /// <summary>A block became visible: the next barrier has something to do.</summary>
        public void OnFilled(CachedFile file, int block)
        {
            Volatile.Write(ref _changed, 1);
            if (_options.DropPageCacheAfterFill && _toDrop.Count < DropQueueMax)
            {
                _toDrop.Enqueue((file, block));
            }
        }

        /// <summary>The same for a packed object.</summary>
        public void OnPacked() => Volatile.Write(ref _changed, 1);

        /// <summary>Everything visible before this call is on the device after it, and a record says so.</summary>
        public async Task BarrierAsync(bool always)
        {
            await _one.WaitAsync();
            try
            {
                await BarrierCoreAsync(always);
            }
            finally
            {
                _one.Release();
            }
        }

        /// <summary>Writes the index and truncates the journal.</summary>
        public async Task CheckpointAsync()
        {
            await _one.WaitAsync();
            try
            {
                var address = _store._journal.AppliedBefore();
                // What the checkpoint calls proven must be on the device: a barrier first.
                await BarrierCoreAsync(always: true);
                var time = _options.TimeProvider;
                var now = time.GetTimestamp();
                CheckpointBytes = await Task.Run(() => Checkpoint.Write(
                    _store._io,
                    _store._directory.CheckpointPath,
                    address,
                    _store._bootTag,
                    _store._files.Select(pair => pair.Value),
                    file => time.GetElapsedTime(file.LastUsed, now),
                    _store._packed.Save));
                _store._journal.TruncateBefore(address);
                CheckpointAddress = address;
            }
            finally
            {
                _one.Release();
            }
        }

        /// <summary>Stops the loop; a last checkpoint makes the next start short.</summary>
        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _loop;
            try
            {
                // A half rebuilt index must not replace what it is rebuilt from.
                if (_store._healthy && _store._recovered)
                {
                    await CheckpointAsync();
                }
            }
            catch (IOException exception)
            {
                _store.SetUnhealthy(exception); // The journal has everything; the next start replays more of it.
            }

            _stop.Dispose();
            _one.Dispose();
        }

        private async Task BarrierCoreAsync(bool always)
        {
            if (Interlocked.Exchange(ref _changed, 0) == 0 && !always)
            {
                return;
            }

            if (_store._syncFailed)
            {
                // The kernel reports a lost page once: a sync that succeeds now proves nothing about what was lost before.
                throw new IOException($"An earlier sync of tier {_store._directory.Root} failed; what it lost is unknown.");
            }

            // Bytes are written before their record is appended: a sync now covers every record before the tail of now.
            var covered = _store._journal.TailAddress;
            try
            {
                await Task.Run(() => _store._io.SyncFileSystem(_store._directory.Handle));
            }
            catch (IOException exception)
            {
                _store.OnSyncFailed(exception);
                throw;
            }

            if (!await _store.AreDurableAsync([AppendBarrier(covered)]))
            {
                throw new IOException($"The journal of tier {_store._directory.Root} failed; no barrier was made.");
            }

            _lastBarrier = _options.TimeProvider.GetTimestamp();
            DropPages();
        }

        private JournalTicket AppendBarrier(long covered)
        {
            Span<byte> record = stackalloc byte[RecordScratchBytes];
            var length = JournalRecord.WriteBarrier(record, _store._bootTag, covered);
            return _store._journal.Append(record[..length]);
        }

        private async Task RunAsync()
        {
            var period = _options.BarrierPeriod < Tick ? _options.BarrierPeriod : Tick;
            using var timer = new PeriodicTimer(period, _options.TimeProvider);
            try
            {
                while (await timer.WaitForNextTickAsync(_stop.Token))
                {
                    await TickAsync();
                }
            }
            catch (OperationCanceledException)
            {
                return; // Stopping.
            }
        }

        private async Task TickAsync()
        {
            try
            {
                LookAtDisk();
                CloseIdleFiles();
                _store._evictor.Nudge();
                _store._packed.WakeCompactor();
                if (_store._healthy && _options.TimeProvider.GetElapsedTime(_lastBarrier) >= _options.BarrierPeriod)
                {
                    await BarrierAsync(always: false);
                }

                // A checkpoint is written whole: a quarter of it in new records bounds what each record costs.
                var journalMax = Math.Max(_options.CheckpointJournalBytes, CheckpointBytes / 4);
                if (_store._healthy && _store._journal.TailAddress - CheckpointAddress > journalMax)
                {
                    await CheckpointAsync();
                }
            }
            catch (Exception exception) when (DiskErrors.IsFull(exception))
            {
                // The journal has it all: the next tick tries again.
                _store.LogDiskFull(_store._directory.Root, _store._space.UsedBytes);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                _store.SetUnhealthy(exception);
            }
        }

        private void LookAtDisk() =>
            _store._space.SetDiskRoom(_store._directory.FreeBytes(), _options.FreeSpaceFloorBytes);

        private void DropPages()
        {
            while (_toDrop.TryDequeue(out var filled))
            {
                var slot = filled.File.Pins.Enter();
                if (filled.File.Handle is { } handle)
                {
                    var shape = filled.File.Shape;
                    _store._io.DropPages(handle, shape.Layout.StartOf(filled.Block), shape.BlockLength(filled.Block));
                }

                filled.File.Pins.Exit(slot);
            }
        }

        /// <summary>Above the limit, closes the longest unused files that nobody fills, punches or removes, down to 7/8.</summary>
        private void CloseIdleFiles()
        {
            var tooMany = _store._counters.OpenFiles - _options.OpenFilesMax;
            if (tooMany <= 0)
            {
                return;
            }

            var open = _store._files.Select(pair => pair.Value).Where(file => file.Handle is not null);
            foreach (var file in open.OrderBy(file => file.LastUsed).Take((int)tooMany + (_options.OpenFilesMax / 8)))
            {
                SafeFileHandle handle;
                lock (file.Gate)
                {
                    if (file.Fills.Count > 0 || file.Punching is not null || file.Removal is not null
                        || file.Handle is not { } idle)
                    {
                        continue;
                    }

                    handle = idle;
                    file.SetHandle(null);
                }

                _store._reaper.Add(new CloseTask(file, handle, awaitLease: false, _store._counters.FileClosed));
            }
        }
    }

    /// <summary>The kernel may have dropped dirty pages: what a read shows now need not be what was written.</summary>
    private void OnSyncFailed(IOException exception)
    {
        _syncFailed = true;
        SetUnhealthy(exception);
        DistrustEverything();
        DistrustNextStart();
    }

    /// <summary>What the journal calls valid is to be verified by the next start, also in this boot.</summary>
    private void DistrustNextStart()
    {
        try
        {
            _directory.SetDistrusted(true);
        }
        catch (IOException exception)
        {
            SetUnhealthy(exception); // As well as a failing disk can.
        }
    }

    /// <summary>From now on every block is verified before it is served.</summary>
    private void DistrustEverything()
    {
        _packed.DistrustEverything();
        foreach (var (_, file) in _files)
        {
            lock (file.Gate)
            {
                for (var block = 0; block < file.Shape.BlockCount; block++)
                {
                    if (file.IsProven(block))
                    {
                        file.Show(block, file.Crcs(block)!, proven: false);
                    }
                }
            }
        }
    }
}
