using Microsoft.Extensions.Logging;
using OrleansCache.Files;
using OrleansCache.Fuse.Mounting;
using OrleansCache.Metadata;
using OrleansCache.Reading;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>
/// A directory of the namespace, mounted. The mount is usable when <see cref="StartAsync"/> returns and gone when
/// <see cref="DisposeAsync"/> does.
/// </summary>
internal sealed partial class OcacheMount : IAsyncDisposable
{
    private readonly FuseMount _mount;
    private readonly OcacheFileSystem _fileSystem;
    private readonly TimeSpan _drainTimeout;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    private OcacheMount(
        FuseMount mount, OcacheFileSystem fileSystem, TimeSpan drainTimeout, TimeProvider time, ILogger logger) =>
        (_mount, _fileSystem, _drainTimeout, _time, _logger) = (mount, fileSystem, drainTimeout, time, logger);

    /// <summary>Where it is mounted, links resolved.</summary>
    public string MountPoint => _mount.Path;

    /// <summary>Completes when nothing is served any more, whoever unmounted it.</summary>
    public Task Completion => _mount.Completion;

    /// <summary>Mounts.</summary>
    /// <exception cref="OcacheMountException">The namespace has no such directory, or cannot be asked.</exception>
    /// <exception cref="FuseMountException">The mount point cannot be used.</exception>
    public static async Task<OcacheMount> StartAsync(
        OcacheMountOptions options,
        INamespaceView view,
        IFileOpener opener,
        TimeProvider time,
        ILogger logger,
        CancellationToken cancellationToken)
    {
        var root = await ResolveAsync(options, view, time, cancellationToken).ConfigureAwait(false);
        var fileSystem = new OcacheFileSystem(view, opener, root, options.FileSystem, time, logger);
        var mount = await FuseMount.MountAsync(
            options.MountPoint, fileSystem, options.Mount, options.Session, time, logger).ConfigureAwait(false);
        return new OcacheMount(mount, fileSystem, options.DrainTimeout, time, logger);
    }

    /// <summary>Waits until somebody unmounts it, or until the cancellation, which takes the mount down.</summary>
    public async Task WaitForExitAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Completion.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            LogStopping(MountPoint);
        }

        await DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>What it has done and holds.</summary>
    public MountStatistics GetStatistics()
    {
        var counters = _fileSystem.Counters;
        var (inFlight, queued) = _fileSystem.WaitingReads;
        return new MountStatistics(
            _mount.Session.GetStatistics(),
            counters.WarmReads.Value,
            counters.WaitingReads.Value,
            counters.FailedReads.Value,
            counters.ReadBytes.Value,
            counters.StaleOpens.Value,
            counters.UnlistableNames.Value,
            counters.TrimmedNames.Value,
            counters.ExpiredNames.Value,
            _fileSystem.NodeCount,
            _fileSystem.OpenFileCount,
            _fileSystem.OpenDirectoryCount,
            inFlight,
            queued);
    }

    /// <summary>Takes the mount down in bounded time, busy or not. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        await _mount.StopAsync().ConfigureAwait(false);
        try
        {
            await _fileSystem.Drained.WaitAsync(_drainTimeout, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            LogNotDrained(MountPoint, _drainTimeout);
        }
    }

    private static async Task<NodeOutcome> ResolveAsync(
        OcacheMountOptions options, INamespaceView view, TimeProvider time, CancellationToken cancellationToken)
    {
        var path = options.Path;
        if (!path.StartsWith('/') || path.Split('/').Any(static segment => segment is "." or ".."))
        {
            throw new OcacheMountException(
                ReadStatus.InvalidRequest, $"'{path}' is not an absolute path of the namespace, such as /imagenet.");
        }

        using var timeout = new CancellationTokenSource(options.StartTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var outcome = await view.GetRootAsync(both.Token).ConfigureAwait(false);
            foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
            {
                outcome = outcome.Status == ReadStatus.Ok
                    ? await view.LookupAsync(outcome.Node!, name, both.Token).ConfigureAwait(false)
                    : outcome;
            }

            return Check(path, outcome);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new OcacheMountException(
                ReadStatus.DeadlineExceeded,
                $"The cluster did not say what {path} is within {options.StartTimeout}; see 'ocache status'.");
        }
    }

    private static NodeOutcome Check(string path, NodeOutcome outcome) => outcome switch
    {
        { Status: ReadStatus.Ok, Node.Kind: FileKind.Directory } => outcome,
        { Status: ReadStatus.Ok } or { Status: ReadStatus.NotADirectory } => throw new OcacheMountException(
            ReadStatus.NotADirectory, $"{path} is not a directory; mount the directory it lies in."),
        { Status: ReadStatus.NotFound } => throw new OcacheMountException(
            ReadStatus.NotFound, $"The namespace has no {path}; 'ocache sources' and 'ocache ls /' show what it has."),
        _ => throw new OcacheMountException(
            outcome.Status, $"The cluster cannot show {path} ({outcome.Status}); see 'ocache status'."),
    };

    [LoggerMessage(Level = LogLevel.Information, Message = "Unmounting {MountPoint}")]
    private partial void LogStopping(string mountPoint);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Reads of {MountPoint} still hold their files {Timeout} after they were cancelled")]
    private partial void LogNotDrained(string mountPoint, TimeSpan timeout);
}
