using System.Threading.Channels;
using FASTER.core;
using OrleansCache.BlockStore.Disk;

namespace OrleansCache.BlockStore.Journal;

/// <summary>
/// The durable order of events of one tier: a FasterLog with group commit. A record counts once its
/// <see cref="JournalTicket.Durable"/> has completed: then it is on the device, not in the page cache.
/// <para>
/// Group commit needs no timer: while one commit is on its way to the disk the next batch gathers, so a batch waits for
/// one device write at most. Thread-safe; after a failed commit every append fails and the tier takes no more fills.
/// </para>
/// </summary>
internal sealed class BlockJournal : IAsyncDisposable
{
    // Records are about 0.3 KiB. Pages of 1 MiB hold the longest (4.2 KiB) with little waste; four of them are the
    // whole memory cost. Segments of 8 MiB are what truncation gives back at a time.
    private const int PageSizeBits = 20, MemorySizeBits = 22, SegmentSizeBits = 23;

    private readonly JournalDevice _device;
    private readonly CommitSlots _slots;
    private readonly FasterLog _log;
    private readonly Lock _gate = new();
    private readonly Queue<Batch> _unapplied = new(); // Oldest first; the last one is the batch that gathers.
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly Task _loop;
    private Batch _batch = new();
    private BlockStoreException? _failure;

    public BlockJournal(IDiskIo io, string directory)
    {
        _device = new JournalDevice(io, directory);
        try
        {
            _slots = new CommitSlots(io, directory);
            _log = new FasterLog(new FasterLogSettings
            {
                LogDevice = _device,
                LogCommitManager = _slots,
                PageSizeBits = PageSizeBits,
                MemorySizeBits = MemorySizeBits,
                SegmentSizeBits = SegmentSizeBits,
                TryRecoverLatest = false, // The constructor swallows what goes wrong; Recover() does not.
            });
            _log.Recover();
            if (_device.Failure is { } failure)
            {
                throw new IOException(failure.Message, failure); // FASTER goes on with zeros for a page that cannot be read.
            }
        }
        catch (Exception exception) when (exception is FasterException or IOException)
        {
            _device.Dispose();
            _slots?.Dispose();
            throw Unreadable(directory, exception);
        }

        _loop = Task.Run(CommitLoopAsync);
    }

    /// <summary>
    /// A commit slot could not be read. A power cut does that to a commit nobody was told of; a failing disk may do it to
    /// any, and then gone records are missing: the index must be distrusted.
    /// </summary>
    public bool HasLostCommit => _slots.HasDamage;

    /// <summary>Where the next record will go; addresses only grow.</summary>
    public long TailAddress => _log.TailAddress;

    /// <summary>The oldest record kept.</summary>
    public long BeginAddress => _log.BeginAddress;

    /// <summary>Adds a record. The caller must call <see cref="Applied"/> once the index says the same.</summary>
    public JournalTicket Append(ReadOnlySpan<byte> record)
    {
        JournalTicket ticket;
        lock (_gate)
        {
            if (_failure is not null)
            {
                return new JournalTicket(-1, Task.FromException(_failure));
            }

            long address;
            try
            {
                address = _log.Enqueue(record);
            }
            catch (FasterException exception)
            {
                return new JournalTicket(-1, Task.FromException(Fail(_batch.Committed, exception)));
            }

            if (_batch.Records++ == 0)
            {
                _batch.FirstAddress = address;
                ForgetApplied();
                _unapplied.Enqueue(_batch);
            }

            _batch.Unapplied++;
            ticket = new JournalTicket(address, _batch.Committed.Task) { Batch = _batch };
        }

        _wake.Writer.TryWrite(true);
        return ticket;
    }

    /// <summary>The index now shows what the record says (or the record was given up): a checkpoint may cover it.</summary>
    public void Applied(JournalTicket ticket)
    {
        if (ticket.Batch is { } batch)
        {
            lock (_gate)
            {
                batch.Unapplied--;
            }
        }
    }

    /// <summary>
    /// Every record before this address is reflected in the index: where a checkpoint taken after this call begins. Known
    /// batch by batch, not record by record: a million small records a second must not cost a search tree each.
    /// </summary>
    public long AppliedBefore()
    {
        lock (_gate)
        {
            ForgetApplied();
            return _unapplied.TryPeek(out var oldest) && oldest.Unapplied > 0 ? oldest.FirstAddress : _log.TailAddress;
        }
    }

    /// <summary>
    /// Reads the durable records from an address on, in order. False if a record was damaged: then nothing the index says
    /// may be believed without its checksum. Throws <see cref="BlockStoreException"/> if the disk does not give them.
    /// </summary>
    public bool Replay(long fromAddress, RecordVisitor visit)
    {
        var intact = TryReplay(fromAddress, visit);
        return _device.Failure is { } failure ? throw Unreadable(_device.FileName, failure) : intact;
    }

    private bool TryReplay(long fromAddress, RecordVisitor visit)
    {
        var from = Math.Max(fromAddress, _log.BeginAddress);
        if (from >= _log.CommittedUntilAddress)
        {
            return true;
        }

        try
        {
            using var scan = _log.Scan(from, _log.CommittedUntilAddress);
            while (scan.GetNext(out var entry, out var length, out var address))
            {
                if (!JournalRecord.TryRead(entry.AsSpan(0, length), out var record))
                {
                    return false;
                }

                visit(address, record);
            }

            return scan.NextAddress >= _log.CommittedUntilAddress;
        }
        catch (FasterException)
        {
            return false; // A damaged length: the caller logs it and distrusts the index.
        }
    }

    /// <summary>Forgets the records before an address, which a checkpoint holds now; the space returns with the next commit.</summary>
    public void TruncateBefore(long address)
    {
        lock (_gate)
        {
            _log.TruncateUntil(Math.Min(address, _log.CommittedUntilAddress));
        }
    }

    public async ValueTask DisposeAsync()
    {
        _wake.Writer.TryComplete();
        await _loop;
        RefuseAppends();
        _log.Dispose();
        _device.Dispose();
        _slots.Dispose();
    }

    private static BlockStoreException Unreadable(string path, Exception exception) => new(
        BlockStoreError.JournalFailed,
        $"The journal {path} cannot be read ({exception.Message}). "
        + "If its disk is sound, empty the tier directory: only cached data is lost.",
        exception);

    /// <summary>Whoever comes after the end is told so, and not left to a log that is gone.</summary>
    private void RefuseAppends()
    {
        TaskCompletionSource batch;
        lock (_gate)
        {
            _failure ??= new BlockStoreException(BlockStoreError.JournalFailed, $"The journal {_device.FileName} is closed.");
            batch = _batch.Committed;
        }

        batch.TrySetException(_failure);
        _ = batch.Task.Exception; // Observed: the batch may have no waiter.
    }

    /// <summary>Not the batch that gathers: it may get more records.</summary>
    private void ForgetApplied()
    {
        while (_unapplied.TryPeek(out var oldest) && oldest.Unapplied == 0 && oldest != _batch)
        {
            _unapplied.Dequeue();
        }
    }

    private async Task CommitLoopAsync()
    {
        while (await _wake.Reader.WaitToReadAsync())
        {
            _wake.Reader.TryRead(out _);
            TaskCompletionSource batch;
            lock (_gate)
            {
                if (_batch.Records == 0 || _failure is not null)
                {
                    continue;
                }

                batch = _batch.Committed;
                _batch = new Batch();
            }

            try
            {
                await _log.CommitAsync();
                if (_slots.Failure is { } failure)
                {
                    Fail(batch, failure);
                    continue;
                }

                batch.SetResult();
            }
            catch (Exception exception)
            {
                Fail(batch, exception);
            }
        }
    }

    private BlockStoreException Fail(TaskCompletionSource batch, Exception exception)
    {
        var failure = new BlockStoreException(
            BlockStoreError.JournalFailed,
            $"The journal {_device.FileName} cannot be written ({_device.Failure?.Message ?? exception.Message}). "
            + "The tier takes no more fills; check the disk, then put it in again: ocache disks in.",
            exception);
        TaskCompletionSource next;
        lock (_gate)
        {
            _failure = failure;
            next = _batch.Committed;
        }

        batch.TrySetException(failure);
        next.TrySetException(failure);
        _ = next.Task.Exception; // Observed: the batch may have no waiter.
        _ = batch.Task.Exception;
        return failure;
    }
}

/// <summary>The records of one commit. Changed under the journal's gate.</summary>
internal sealed class Batch
{
    public TaskCompletionSource Committed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public long FirstAddress { get; set; }

    public int Records { get; set; }

    /// <summary>Those that the index does not show yet.</summary>
    public int Unapplied { get; set; }
}

/// <summary>A record on its way.</summary>
/// <param name="Address">Its address.</param>
/// <param name="Durable">Completes when it is on the device; fails with <see cref="BlockStoreException"/>.</param>
internal readonly record struct JournalTicket(long Address, Task Durable)
{
    /// <summary>The commit it goes with; null if it was refused.</summary>
    public Batch? Batch { get; init; }
}

/// <summary>Sees one record of a replay.</summary>
internal delegate void RecordVisitor(long address, in JournalRecord.Parsed record);
