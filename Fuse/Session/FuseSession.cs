using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Fuse.Protocol;

namespace OrleansCache.Fuse.Session;

/// <summary>
/// Serves one FUSE connection: answers INIT, runs the session threads, hands INTERRUPT to whoever it concerns, and
/// ends either because the kernel says so (unmount, abort) or because it is stopped.
/// </summary>
/// <remarks>
/// The end, in this order, once, on the last thread out: pending requests are answered ECONNABORTED, descriptors are
/// closed (closing the last one aborts what the kernel still holds), the file system is destroyed, and
/// <see cref="Completion"/> completes.
/// </remarks>
internal sealed partial class FuseSession : IFuseConnection, IAsyncDisposable
{
    private static readonly TimeSpan WakePeriod = TimeSpan.FromMilliseconds(5);

    /// <summary>How long a killed program stays when the kernel does not tell us: short to a person, nothing to do when idle.</summary>
    private static readonly TimeSpan VisitPeriod = TimeSpan.FromMilliseconds(250);

    private readonly SafeFileHandle _device;
    private readonly IFuseFileSystem _fileSystem;
    private readonly FuseSessionOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly FuseCounters _deferredCounters;
    private readonly FusePendingTable _pending;
    private readonly FuseNotifier _notifier;
    private readonly ITimer _visits;
    private readonly FuseWorker[] _workers;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running;
    private int _finished;
    private volatile bool _stopping;

    private FuseSession(
        SafeFileHandle device, FuseConnectionInfo info, IFuseFileSystem fileSystem, FuseSessionOptions options,
        TimeProvider time, ILogger logger)
    {
        (_device, Info, _fileSystem, _options, _time, _logger) = (device, info, fileSystem, options, time, logger);
        _deferredCounters = new FuseCounters(time);
        _pending = new FusePendingTable(options.PendingMax, _deferredCounters, logger, CallingThread.IsEnding);
        _workers = new FuseWorker[options.Threads];
        var dispatcher = new FuseDispatcher(fileSystem, logger);
        for (var index = 0; index < _workers.Length; index++)
        {
            _workers[index] = new FuseWorker(
                this, OpenChannel(), dispatcher, _pending, info.ReadBytesMax, time, logger);
        }

        _notifier = new FuseNotifier(device, options.NotificationsMax, logger);
        _visits = time.CreateTimer(
            static state => ((FusePendingTable)state!).InterruptEnding(), _pending, VisitPeriod, VisitPeriod);
    }

    /// <inheritdoc/>
    public FuseConnectionInfo Info { get; }

    /// <summary>Completes when the session has ended, for whatever reason.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Requests taken away and not answered yet.</summary>
    public int PendingCount => _pending.Count;

    /// <summary>Notifications that the bounded queue refused.</summary>
    public long RefusedNotifications => _notifier.RefusedCount;

    internal bool IsStopping => _stopping;

    /// <summary>Answers INIT and starts to serve. The session owns the descriptor from here on, even when this throws.
    /// </summary>
    public static FuseSession Start(
        SafeFileHandle device, IFuseFileSystem fileSystem, FuseSessionOptions options, TimeProvider time,
        ILogger logger)
    {
        FuseSession? session = null;
        try
        {
            var info = FuseHandshake.Run(device, options);
            session = new FuseSession(device, info, fileSystem, options, time, logger);
            fileSystem.Init(session);
            session.Run();
            return session;
        }
        catch
        {
            session?.Release();
            device.Dispose();
            throw;
        }
    }

    /// <summary>A snapshot of the counters of all threads.</summary>
    public FuseStatistics GetStatistics()
    {
        var sum = new FuseStatistics();
        _deferredCounters.AddTo(sum);
        foreach (var worker in _workers)
        {
            worker.Counters.AddTo(sum);
        }

        return sum;
    }

    /// <inheritdoc/>
    public bool InvalidateInode(ulong nodeId, long offset, long length) =>
        _notifier.InvalidateInode(nodeId, offset, length);

    /// <inheritdoc/>
    public bool InvalidateEntry(ulong parentId, ReadOnlySpan<byte> name) => _notifier.InvalidateEntry(parentId, name);

    /// <inheritdoc/>
    public bool ExpireEntry(ulong parentId, ReadOnlySpan<byte> name) => (Info.Features & FuseFeatures.HasExpireOnly) != 0
        ? _notifier.ExpireEntry(parentId, name)
        : _notifier.InvalidateEntry(parentId, name);

    /// <inheritdoc/>
    public bool NotifyDeleted(ulong parentId, ulong childId, ReadOnlySpan<byte> name) =>
        _notifier.Delete(parentId, childId, name);

    /// <summary>
    /// Ends the session in bounded time, mounted or not, busy or not. A thread that does not come back from its
    /// operation within the stop timeout is left behind and named in the log; its descriptor dies with it.
    /// </summary>
    public async Task StopAsync()
    {
        // First the notify thread: while it waits for a page, only our answering its READ lets it go on.
        _notifier.Close();
        await EndsWithinAsync(_notifier.Ended, _options.StopTimeout).ConfigureAwait(false);
        _stopping = true;
        _pending.Close();
        var started = _time.GetTimestamp();
        while (!Completion.IsCompleted && _time.GetElapsedTime(started) < _options.StopTimeout)
        {
            foreach (var worker in _workers)
            {
                worker.Wake();
            }

            await EndsWithinAsync(Completion, WakePeriod).ConfigureAwait(false);
        }

        if (!Completion.IsCompleted)
        {
            LogThreadsLeft(_workers.Count(worker => !worker.HasEnded), _options.StopTimeout);
            Finish(orderly: false);
        }

        await Completion.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    internal void WorkerEnded()
    {
        if (Interlocked.Decrement(ref _running) == 0)
        {
            Finish(orderly: true);
        }
    }

    private void Run()
    {
        _running = _workers.Length;
        for (var index = 0; index < _workers.Length; index++)
        {
            _workers[index].Start(index);
        }
    }

    private void Finish(bool orderly)
    {
        if (Interlocked.Exchange(ref _finished, 1) != 0)
        {
            return;
        }

        try
        {
            _stopping = true;
            _visits.Dispose();
            _notifier.Close();
            _pending.Close();
            if (orderly)
            {
                Release();
            }
            else
            {
                // Threads may still use their memory: it is never freed. Handles wait for their users by themselves.
                Array.ForEach(_workers, static worker => worker.Channel.Dispose());
            }

            _device.Dispose();
            if (orderly)
            {
                _fileSystem.Destroy();
            }
        }
        catch (Exception exception)
        {
            LogEndFailed(exception);
        }

        _completion.SetResult();
    }

    private void Release()
    {
        _visits.Dispose();
        _notifier.Close();
        foreach (var worker in _workers)
        {
            worker.Dispose();
        }
    }

    private async Task<bool> EndsWithinAsync(Task task, TimeSpan timeout)
    {
        if (!task.IsCompleted)
        {
            using var over = new CancellationTokenSource();
            await Task.WhenAny(task, Task.Delay(timeout, _time, over.Token)).ConfigureAwait(false);
            await over.CancelAsync().ConfigureAwait(false);
        }

        return task.IsCompleted;
    }
}
