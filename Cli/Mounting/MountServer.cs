using Microsoft.Extensions.Logging;
using OrleansCache.Fuse.FileSystem;
using OrleansCache.Fuse.Mounting;

namespace OrleansCache.Cli.Mounting;

/// <summary>Serves one mount in this process: client, file system and FUSE session, from connect to unmount.</summary>
internal sealed partial class MountServer(MountPlan plan, TimeProvider time, ILoggerFactory loggers)
{
    private readonly ILogger _logger = loggers.CreateLogger<MountServer>();

    /// <summary>Serves until told to stop, or until somebody unmounts.</summary>
    /// <param name="onReady">Called when the mount is usable.</param>
    /// <param name="stop">Ends it.</param>
    public async Task RunAsync(Action onReady, CancellationToken stop)
    {
        MountMemory.Apply();
        await using var client = await CacheClient.ConnectAsync(
            new CacheClientOptions
            {
                Cluster = plan.Access.Cluster,
                ClusterSecretFile = plan.Access.SecretFile,
                TlsCaFile = plan.Access.TlsCa,
                TlsServerName = plan.Access.TlsServerName,
                LoggerFactory = loggers,
                TimeProvider = time,
            },
            stop)
            .ConfigureAwait(false);
        var options = new OcacheMountOptions
        {
            MountPoint = plan.MountPoint,
            Path = plan.Path,
            Mount = new FuseMountOptions { AllowOther = plan.AllowOther ? true : null },
        };
        var mount = await OcacheMount.StartAsync(
            options, client.Names, client.Files, time, loggers.CreateLogger<OcacheMount>(), stop).ConfigureAwait(false);
        await using (mount.ConfigureAwait(false))
        {
            LogMounted(plan.Path, mount.MountPoint);
            onReady();
            await mount.WaitForExitAsync(stop).ConfigureAwait(false);
        }

        LogUnmounted(mount.MountPoint);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Path} is mounted at {MountPoint}")]
    private partial void LogMounted(string path, string mountPoint);

    [LoggerMessage(Level = LogLevel.Information, Message = "{MountPoint} is unmounted")]
    private partial void LogUnmounted(string mountPoint);
}
