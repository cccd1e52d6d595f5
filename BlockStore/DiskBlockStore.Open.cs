using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Logging;
using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Index;
using OrleansCache.BlockStore.Journal;
using OrleansCache.Files;

namespace OrleansCache.BlockStore;

/// <summary>Opening: the index comes back from checkpoint and journal, and only what is known to be on the disk is believed.</summary>
public sealed partial class DiskBlockStore
{
    /// <summary>
    /// Opens or creates the store. Throws <see cref="BlockStoreException"/>, whose message says what to do, when the
    /// directory cannot be used. Disposing the store makes a barrier and a checkpoint.
    /// </summary>
    public static async Task<IBlockStore> OpenAsync(
        BlockStoreOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        Validator.ValidateObject(options, new ValidationContext(options), validateAllProperties: true);
        var store = await Task.Run(() => Build(options, logger), cancellationToken);
        try
        {
            await store.RecoverAsync(cancellationToken);
            return store;
        }
        catch (IOException exception) when (exception is not BlockStoreException)
        {
            await store.DisposeAsync();
            throw new BlockStoreException(
                BlockStoreError.DiskFailed,
                $"The disk of tier {options.Directory} failed while the tier was opened ({exception.Message}). Check the disk.",
                exception);
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    private bool TrustsBarriers => _options.TrustAfterReboot == RebootTrust.UpToLastBarrier;

    private static DiskBlockStore Build(BlockStoreOptions options, ILogger logger)
    {
        TierDirectory directory;
        try
        {
            directory = TierDirectory.Open(options);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException and not BlockStoreException)
        {
            throw new BlockStoreException(
                BlockStoreError.NotWritable,
                $"The tier directory {options.Directory} cannot be written ({exception.Message}). "
                + "Give the silo's user write access, or name another directory.",
                exception);
        }

        try
        {
            var latency = new DiskLatency();
            var journal = new BlockJournal(new MeasuredDiskIo(options.Io, latency, latency.Commits), directory.JournalPath);
            return new DiskBlockStore(options, directory, journal, latency, logger);
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    private async Task RecoverAsync(CancellationToken cancellationToken)
    {
        var began = _journal.TailAddress;
        var damage = await Task.Run(RebuildIndex, cancellationToken);
        if (damage is not null)
        {
            LogIndexDamaged(_directory.Root, damage);
            DistrustEverything();
        }

        var lost = await Task.Run(MatchWithDirectory, cancellationToken);
        foreach (var file in lost)
        {
            LogFileLost(file.Shape.Key, file.Path);
            _counters.Corrupt(file.PresentBlocks);
            await RemoveFileAsync(file);
        }

        await _packed.MatchWithDirectoryAsync();
        if (damage is not null)
        {
            await _housekeeping.CheckpointAsync();
            _directory.SetDistrusted(false);
        }

        EnlistRecovered();
        _recovered = true;
        _housekeeping.Start();
        _packed.StartCompactor();
        _evictor.Nudge();
        var stats = GetStats();
        var replayed = began - _housekeeping.CheckpointAddress;
        LogOpened(_directory.Root, stats.Files, stats.Blocks, stats.UnprovenBytes, replayed);
    }

    /// <summary>Checkpoint, then journal. Returns what is wrong with them, or null.</summary>
    private string? RebuildIndex()
    {
        string? damage = null;
        long? from = null;
        try
        {
            var now = _options.TimeProvider.GetTimestamp();
            from = Checkpoint.Read(_io, _directory.CheckpointPath, (bootTag, shape, block, crcs, unproven, age) =>
            {
                var file = Recovered(shape);
                file.Touch(now - (long)(age.TotalSeconds * _options.TimeProvider.TimestampFrequency));
                file.Show(block, crcs, !unproven && (bootTag == _bootTag || TrustsBarriers));
            }, (bootTag, stream) => _packed.Load(stream, bootTag == _bootTag || TrustsBarriers));
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException)
        {
            damage = exception.Message;
        }

        if (from > _journal.TailAddress)
        {
            damage = "the checkpoint is newer than the journal";
        }

        var replayFrom = from ?? _journal.BeginAddress;
        _housekeeping.CheckpointAddress = Math.Min(replayFrom, _journal.TailAddress);
        _housekeeping.CheckpointBytes = from is null ? 0 : new FileInfo(_directory.CheckpointPath).Length;
        if (_directory.IsDistrusted)
        {
            damage ??= "a sync of its disk failed when it was last open";
        }

        damage ??= _options.Distrust;
        if (_journal.HasLostCommit)
        {
            damage ??= "a commit of the journal is damaged";
        }

        if (!Replay(replayFrom))
        {
            damage ??= "the journal has a damaged record";
        }

        return damage;
    }

    private bool Replay(long from)
    {
        var coveredBefore = new Dictionary<ulong, long>();
        var intact = _journal.Replay(from, (long _, in JournalRecord.Parsed record) =>
        {
            if (record.Kind == RecordKind.Barrier)
            {
                coveredBefore[record.BootTag] = record.CoveredBefore;
            }
        });
        return _journal.Replay(from, (long address, in JournalRecord.Parsed record) =>
        {
            var proven = record.BootTag == _bootTag
                || (TrustsBarriers && coveredBefore.TryGetValue(record.BootTag, out var covered) && address < covered);
            Apply(record, proven);
        }) && intact;
    }

    private void Apply(in JournalRecord.Parsed record, bool proven)
    {
        switch (record.Kind)
        {
            case RecordKind.Valid:
                var shape = record.Shape;
                if (shape.IsValid && (uint)record.BlockIndex < (uint)shape.BlockCount
                    && record.Crcs.Length == shape.CrcCount(record.BlockIndex))
                {
                    var file = Recovered(shape);
                    file.Touch(_options.TimeProvider.GetTimestamp());
                    file.Show(record.BlockIndex, record.Crcs.ToArray(), proven);
                    file.LastFilledBlock = record.BlockIndex;
                }

                break;
            case RecordKind.BlocksGone when _files.TryGetValue(record.File, out var partly):
                foreach (var block in record.GoneBlocks)
                {
                    partly.Hide(block);
                }

                break;
            case RecordKind.PackedValid:
                _packed.TryRecover(
                    record.PackedShape, record.PackedSegment, record.PackedOffsetBytes, record.PackedChecksum, proven);
                break;
            case RecordKind.PackedGone:
                _packed.RecoverGone(record.File);
                break;
            case RecordKind.FileGone:
                _files.TryRemove(record.File, out _);
                break;
            default:
                break; // Barriers were looked at before; gone records of files a later record removed say nothing new.
        }
    }

    /// <summary>The policies learn of what is there in the order of its last use.</summary>
    private void EnlistRecovered()
    {
        foreach (var file in _files.Select(pair => pair.Value).OrderBy(file => file.LastUsed))
        {
            lock (file.Gate)
            {
                file.Enlist(_extents);
            }
        }
    }

    private CachedFile Recovered(FileShape shape)
    {
        if (_files.TryGetValue(shape.Key, out var known) && known.Shape == shape)
        {
            return known;
        }

        var file = NewFile(shape);
        file.InJournal = true;
        file.HasLeftovers = true;
        _files[shape.Key] = file;
        return file;
    }

    /// <summary>
    /// Deletes cache files that the index does not know, counts the space of the others, and returns the files of the
    /// index that are not on the disk.
    /// </summary>
    private List<CachedFile> MatchWithDirectory()
    {
        var seen = new HashSet<FileKey>();
        foreach (var (path, key) in _directory.EnumerateFiles())
        {
            if (key is { } known && _files.TryGetValue(known, out var file) && file.PresentBlocks > 0)
            {
                seen.Add(known);
            }
            else
            {
                _io.Unlink(path);
            }
        }

        var lost = new List<CachedFile>();
        foreach (var (key, file) in _files)
        {
            _space.Take(file.PresentBytes);
            if (file.PresentBlocks == 0)
            {
                _files.TryRemove(key, out _);
            }
            else if (!seen.Contains(key))
            {
                lost.Add(file);
            }
        }

        return lost;
    }
}
