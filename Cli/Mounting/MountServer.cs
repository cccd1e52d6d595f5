using Microsoft.Extensions.Logging;
using OrleansCache.Fuse.FileSystem;
using OrleansCache.Fuse.Mounting;
using OrleansCache.Fuse.Session;

namespace OrleansCache.Cli.Mounting;

/// <summary>Serves one mount in this process: client, file system and FUSE session, from connect to unmount.</summary>
internal sealed partial class MountServer(MountPlan plan, TimeProvider time, ILoggerFactory loggers)
{
    // Reads that were answered with EIO at the end may still hold readers for a moment.
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(5);

    private readonly ILogger _logger = loggers.CreateLogger<MountServer>();

    /// <summary>Serves until told to stop, or until somebody unmounts.</summary>
    /// <param name="onReady">Called when the mount is usable.</param>
    /// <param name="stop">Ends it.</param>
    public async Task RunAsync(Action onReady, CancellationToken stop)
    {
        await using var client = await CacheClient.ConnectAsync(
            new CacheClientOptions { Cluster = plan.Cluster, LoggerFactory = loggers, TimeProvider = time }, stop)
            .ConfigureAwait(false);
        var root = await client.FindDirectoryAsync(plan.Path, stop).ConfigureAwait(false);
        var fileSystem = new OcacheFileSystem(
            client.Names, client.Files, root, new FileSystemOptions(), time, loggers.CreateLogger<OcacheFileSystem>());
        var mount = await FuseMount.MountAsync(
            plan.MountPoint, fileSystem, new FuseMountOptions { AllowOther = plan.AllowOther ? true : null },
            new FuseSessionOptions(), time, loggers.CreateLogger<FuseMount>()).ConfigureAwait(false);
        await using (mount.ConfigureAwait(false))
        {
            LogMounted(plan.Path, mount.Path);
            onReady();
            await WaitAsync(mount, stop).ConfigureAwait(false);
        }

        try
        {
            await fileSystem.Drained.WaitAsync(DrainTimeout, time, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            LogNotDrained(DrainTimeout.TotalSeconds);
        }

        LogUnmounted(mount.Path);
    }

    private static async Task WaitAsync(FuseMount mount, CancellationToken stop)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = stop.Register(stopped.SetResult);
        await Task.WhenAny(mount.Completion, stopped.Task).ConfigureAwait(false);
        if (mount.Completion.IsCompleted)
        {
            return;
        }

        try
        {
            await mount.UnmountAsync().ConfigureAwait(false);
        }
        catch (FuseMountException busy) when (busy.Failure == FuseMountFailure.Busy)
        {
            // We end, whoever still has files open: disposing the mount takes it down all the same.
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Path} is mounted at {MountPoint}")]
    private partial void LogMounted(string path, string mountPoint);

    [LoggerMessage(Level = LogLevel.Information, Message = "{MountPoint} is unmounted")]
    private partial void LogUnmounted(string mountPoint);

    [LoggerMessage(Level = LogLevel.Warning, Message = "reads were still under way {Seconds} s after the unmount")]
    private partial void LogNotDrained(double seconds);
}
