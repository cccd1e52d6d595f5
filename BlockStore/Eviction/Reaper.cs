using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Index;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore.Eviction;

/// <summary>
/// Ends what may end only when its last reader has left: punches hidden blocks and aborted fills, closes idle and
/// unlinked files. By the time a task comes here its gone record is durable. One loop; a task whose readers linger is
/// passed over and tried again, so a slow reader delays its own file only. The queue is bounded by the tier's blocks and files.
/// </summary>
internal sealed partial class Reaper : IAsyncDisposable
{
    private static readonly TimeSpan RetryPeriod = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan LeaseRetryPeriod = TimeSpan.FromSeconds(1);

    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly ConcurrentQueue<ReapTask> _arrivals = new();
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly List<ReapTask> _waiting = [];
    private readonly ITimer _retry;
    private readonly Task _loop;
    private volatile bool _stopping;

    public Reaper(TimeProvider time, ILogger logger)
    {
        _time = time;
        _logger = logger;
        _retry = time.CreateTimer(_ => _wake.Writer.TryWrite(true), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _loop = Task.Run(RunAsync);
    }

    public void Add(ReapTask task)
    {
        _arrivals.Enqueue(task);
        _wake.Writer.TryWrite(true);
    }

    /// <summary>Ends the loop. What still has readers is left to the process's end: its gone records are durable.</summary>
    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        _wake.Writer.TryWrite(true);
        await _loop;
        await _retry.DisposeAsync();
    }

    private async Task RunAsync()
    {
        while (!_stopping && await _wake.Reader.WaitToReadAsync())
        {
            _wake.Reader.TryRead(out _);
            while (_arrivals.TryDequeue(out var task))
            {
                _waiting.Add(task);
            }

            _waiting.RemoveAll(TryEnd);
            if (_waiting.Count > 0)
            {
                var onlyLeases = _waiting.TrueForAll(task => task.IsAwaitingLease);
                _retry.Change(onlyLeases ? LeaseRetryPeriod : RetryPeriod, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private bool TryEnd(ReapTask task)
    {
        try
        {
            return task.TryAdvance();
        }
        catch (IOException exception)
        {
            // The bytes stay on a disk that refuses to give them back until the file is opened again; the account goes on as
            // if they had gone, and the look at the disk's free space keeps it from overflowing.
            if (task.Subject is CachedFile file)
            {
                file.HasLeftovers = true;
            }

            LogReapFailed(exception, task.Subject.Name, task.GetType().Name);
            task.Finish();
            return true;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Giving back the space of {Name} failed ({Task}); its disk may be failing")]
    private partial void LogReapFailed(Exception exception, string name, string task);
}

/// <summary>A file whose readers are waited for: a cache file or a log segment.</summary>
internal interface IReaped
{
    /// <summary>For messages.</summary>
    string Name { get; }

    /// <summary>The one grace under way, if any; owned by the reaper.</summary>
    object? GraceOwner { get; set; }

    /// <summary><see cref="PinGate.Advance"/> of its readers.</summary>
    bool AdvanceGrace(ref int step);
}

/// <summary>Something that waits for a file's readers to leave.</summary>
internal abstract class ReapTask(IReaped subject)
{
    private int _step;
    private bool _graceOver;

    public IReaped Subject { get; } = subject;

    /// <summary>The readers have left; only a lease holds it up.</summary>
    public bool IsAwaitingLease { get; protected set; }

    /// <summary>Goes as far as it can; true when done.</summary>
    public bool TryAdvance()
    {
        if (!_graceOver)
        {
            if (Subject.GraceOwner is { } owner && owner != this)
            {
                return false;
            }

            Subject.GraceOwner = this;
            if (!Subject.AdvanceGrace(ref _step))
            {
                return false;
            }

            Subject.GraceOwner = null;
            _graceOver = true;
        }

        if (!TryAct())
        {
            return false;
        }

        Finish();
        return true;
    }

    /// <summary>Accounts for the end, also after a failure.</summary>
    public abstract void Finish();

    /// <summary>Acts on the file, with no reader left that saw what goes; false to be asked again.</summary>
    protected abstract bool TryAct();
}

/// <summary>Punches some blocks. The exclusive flock was taken before they were hidden, so nobody has them by lease.</summary>
internal sealed class PunchTask(IDiskIo io, CachedFile file, SafeFileHandle handle, List<int> blocks, Action finished)
    : ReapTask(file)
{
    public override void Finish()
    {
        FileLock.Unlock(handle);
        finished();
    }

    protected override bool TryAct()
    {
        foreach (var block in blocks)
        {
            var start = file.Shape.Layout.StartOf(block);
            io.PunchHole(handle, start, file.Shape.BlockDiskBytes(block));
        }

        return true;
    }
}

/// <summary>
/// Punches what a failed fill wrote, unless the file is leased: its readers may know of bytes that were released to them as
/// they arrived, and those are right. They are overwritten by the next fill, or punched when the file is opened again.
/// </summary>
internal sealed class FailedFillTask(IDiskIo io, BlockFill fill, Action finished) : ReapTask(fill.File)
{
    public override void Finish() => finished();

    protected override bool TryAct()
    {
        if (fill.MayBeRecorded)
        {
            return true;
        }

        lock (fill.File.Gate)
        {
            if (fill.File.Punching is not null)
            {
                return false; // The lock is an eviction's, by the same description: unlocking would end it for both.
            }

            if (!FileLock.TryLockExclusive(fill.Handle))
            {
                fill.File.HasLeftovers = true;
                return true;
            }

            fill.File.Punching = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        try
        {
            io.PunchHole(fill.Handle, fill.BlockOffsetBytes, fill.DiskBytes);
        }
        finally
        {
            FileLock.Unlock(fill.Handle);
            fill.File.EndPunch();
        }

        return true;
    }
}

/// <summary>Closes a descriptor that the store does not need for now, or whose file is unlinked and held by no lease.</summary>
internal sealed class CloseTask(CachedFile file, SafeFileHandle handle, bool awaitLease, Action finished) : ReapTask(file)
{
    public override void Finish()
    {
        handle.Dispose();
        finished();
    }

    protected override bool TryAct()
    {
        IsAwaitingLease = awaitLease;
        return !awaitLease || FileLock.TryLockExclusive(handle);
    }
}
