using System.ComponentModel.DataAnnotations;

namespace OrleansCache.Fuse.Mounting;

/// <summary>How a mount is made.</summary>
internal sealed class FuseMountOptions
{
    /// <summary>What mountinfo and df call the source.</summary>
    public const string Source = "ocache";

    /// <summary>How mountinfo calls our mounts.</summary>
    public const string FileSystemType = "fuse.ocache";

    /// <summary>Other users may look in; permissions are still checked by the kernel. Rootless mounts also need
    /// user_allow_other in /etc/fuse.conf, so there it is off unless asked for.</summary>
    public bool? AllowOther { get; init; }

    /// <summary>Changes fail with EROFS before they reach us.</summary>
    public bool ReadOnly { get; init; } = true;

    /// <summary>Mount over a directory with entries, which hides them.</summary>
    public bool AllowNotEmpty { get; init; }

    /// <summary>The kernel's readahead: 128 KiB from INIT costs 10x on mapped reads, 4 MiB gained nothing.</summary>
    [Range(0, 1 << 20)]
    public int ReadAheadKiB { get; init; } = 1024;

    /// <summary>The set-user-id helper for mounts without root.</summary>
    public string FusermountPath { get; init; } = "fusermount3";

    /// <summary>How long the helper, and an old mount at the same place, may take to answer.</summary>
    public TimeSpan HelperTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
