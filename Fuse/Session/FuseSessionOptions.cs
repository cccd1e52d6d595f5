using System.ComponentModel.DataAnnotations;

namespace OrleansCache.Fuse.Session;

/// <summary>How one mount talks to the kernel. Internal sizes; what users may set is in the mount options.</summary>
internal sealed class FuseSessionOptions
{
    /// <summary>
    /// Session threads, each with its own descriptor. At least 16: blocking reads of the cache disk are its queue
    /// depth (4 threads gave half the 4 KiB reads of 16).
    /// </summary>
    [Range(1, 1024)]
    public int Threads { get; init; } = Math.Max(16, 2 * Environment.ProcessorCount);

    /// <summary>256 pages are 1 MiB with 4 KiB pages, the kernel's own default limit; more showed no gain.</summary>
    [Range(1, 1024)]
    public int PagesMax { get; init; } = 256;

    /// <summary>
    /// Readahead and direct reads the kernel keeps in flight; its default of 12 starves a mount whose reads wait for
    /// the network. 256 of 1 MiB fill 2.5 GB/s at 100 ms.
    /// </summary>
    [Range(1, 65535)]
    public int BackgroundMax { get; init; } = 256;

    /// <summary>Deferred requests; more wait in the kernel. Far above what callers that block can reach.</summary>
    [Range(1, 1 << 20)]
    public int PendingMax { get; init; } = 16384;

    /// <summary>Notifications that wait for the notify thread; when full, the kernel's timeouts must do.</summary>
    [Range(1, 1 << 20)]
    public int NotificationsMax { get; init; } = 8192;

    /// <summary>Ask for passthrough; it also needs CAP_SYS_ADMIN.</summary>
    public bool Passthrough { get; init; } = true;

    /// <summary>1, or 2 when the cache directory lies on overlayfs: then no overlay may lie on this mount.</summary>
    [Range(0, 2)]
    public int StackDepthMax { get; init; } = 1;

    /// <summary>How long the kernel may take to send INIT after the mount.</summary>
    public TimeSpan InitTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a stop waits for operations that still run in session threads.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(5);
}
