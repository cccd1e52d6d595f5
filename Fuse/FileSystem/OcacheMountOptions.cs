using OrleansCache.Fuse.Mounting;
using OrleansCache.Fuse.Session;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>What to mount where, and within which limits.</summary>
internal sealed class OcacheMountOptions
{
    /// <summary>An existing directory.</summary>
    public required string MountPoint { get; init; }

    /// <summary>The directory of the namespace that the mount shows, absolute.</summary>
    public string Path { get; init; } = "/";

    /// <summary>How it is mounted.</summary>
    public FuseMountOptions Mount { get; init; } = new();

    /// <summary>How it talks to the kernel.</summary>
    public FuseSessionOptions Session { get; init; } = new();

    /// <summary>Limits of nodes, handles and reads.</summary>
    public FileSystemOptions FileSystem { get; init; } = new();

    /// <summary>
    /// How long the namespace may take to show <see cref="Path"/>: the deadline of a program's own calls.
    /// </summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a stop waits for cancelled reads to let their files go.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(5);
}
