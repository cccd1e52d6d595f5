using Microsoft.Extensions.Logging;
using OrleansCache.Fuse.Session;

namespace OrleansCache.Fuse.Mounting;

/// <summary>
/// A mounted file system and the session that serves it. Made by <see cref="MountAsync"/>; ends by
/// <see cref="StopAsync"/>, or by itself when somebody else unmounts it, which <see cref="Completion"/> tells.
/// </summary>
internal sealed partial class FuseMount : IAsyncDisposable
{
    private readonly FuseMountOptions _options;
    private readonly ILogger _logger;

    private FuseMount(string path, FuseSession session, FuseMountOptions options, ILogger logger) =>
        (Path, Session, _options, _logger) = (path, session, options, logger);

    /// <summary>Where it is mounted, symbolic links resolved.</summary>
    public string Path { get; }

    public FuseSession Session { get; }

    /// <summary>Completes when nothing is served any more.</summary>
    public Task Completion => Session.Completion;

    /// <summary>Mounts a file system; throws <see cref="FuseMountException"/> with the reason.</summary>
    public static async Task<FuseMount> MountAsync(
        string path, IFuseFileSystem fileSystem, FuseMountOptions options, FuseSessionOptions sessionOptions,
        TimeProvider time, ILogger logger)
    {
        var resolved = MountPoint.Resolve(path);
        await MountPoint.PrepareAsync(resolved, options, time).ConfigureAwait(false);
        var device = KernelMount.Run(resolved, options, sessionOptions.PagesMax * Environment.SystemPageSize);
        FuseSession session;
        try
        {
            session = FuseSession.Start(device, fileSystem, sessionOptions, time, logger);
        }
        catch
        {
            Unmounting.TryAbort(resolved, options);
            throw;
        }

        var mount = new FuseMount(resolved, session, options, logger);
        mount.RaiseReadAhead();
        return mount;
    }

    /// <summary>
    /// Unmounts what any process mounted; throws <see cref="FuseMountException"/>, Busy when files are in use and it
    /// is not forced. The mount's own process then ends by itself.
    /// </summary>
    public static void Unmount(string path, bool forced)
    {
        var resolved = MountPoint.Resolve(path);
        if (MountTable.Find(resolved) is not { } mounted)
        {
            throw new FuseMountException(FuseMountFailure.NotMounted, $"Nothing is mounted at {resolved}.");
        }

        if (!mounted.IsOurs)
        {
            throw new FuseMountException(
                FuseMountFailure.NotMounted, $"What is mounted at {resolved} is {mounted.FileSystemType}, not ours.");
        }

        Unmounting.Run(resolved, forced, new FuseMountOptions());
    }

    /// <summary>Our mounts, of any process, that this process can see.</summary>
    public static IReadOnlyList<MountEntry> List() => [.. MountTable.Read().Where(static entry => entry.IsOurs)];

    /// <summary>Unmounts and waits until the session has ended; throws Busy and goes on serving.</summary>
    public async Task UnmountAsync()
    {
        Unmounting.Run(Path, forced: false, _options);
        await Session.StopAsync().ConfigureAwait(false);
    }

    /// <summary>
    /// Takes the mount down in bounded time, busy or not: calls under way fail, open files say ENOTCONN from then on.
    /// </summary>
    public async Task StopAsync()
    {
        if (!Completion.IsCompleted)
        {
            try
            {
                if (!Unmounting.TryAbort(Path, _options))
                {
                    LogStillMounted(Path);
                }
            }
            catch (FuseMountException exception)
            {
                LogUnmountFailed(Path, exception);
            }
        }

        await Session.StopAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    private void RaiseReadAhead()
    {
        try
        {
            if (MountTable.Find(Path) is { } entry)
            {
                File.WriteAllText(
                    $"/sys/class/bdi/{entry.DeviceMajor}:{entry.DeviceMinor}/read_ahead_kb",
                    $"{_options.ReadAheadKiB}");
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogReadAhead(Path, _options.ReadAheadKiB, exception.Message);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "The readahead of {Path} could not be raised to {KiB} KiB ({Reason}): mapped reads will be slower")]
    private partial void LogReadAhead(string path, int kiB, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Path} could not be unmounted; its session ends anyway")]
    private partial void LogStillMounted(string path);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Path} could not be unmounted; its session ends anyway")]
    private partial void LogUnmountFailed(string path, Exception exception);
}
