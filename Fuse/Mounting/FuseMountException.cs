namespace OrleansCache.Fuse.Mounting;

/// <summary>Why a mount or unmount failed.</summary>
public enum FuseMountFailure
{
    /// <summary>The mount point does not exist.</summary>
    Missing,

    /// <summary>The mount point is not a directory.</summary>
    NotDirectory,

    /// <summary>The mount point has entries that the mount would hide.</summary>
    NotEmpty,

    /// <summary>OrleansCache is mounted there and its process answers.</summary>
    AlreadyMounted,

    /// <summary>Something mounted there does not answer and is not ours to remove.</summary>
    Stale,

    /// <summary>Nothing of ours is mounted there.</summary>
    NotMounted,

    /// <summary>Files of the mount are in use.</summary>
    Busy,

    /// <summary>Privileges, /dev/fuse or fusermount3 are missing.</summary>
    NotPermitted,

    /// <summary>The kernel's FUSE is older than we need.</summary>
    KernelTooOld,

    /// <summary>Kernel and daemon did not agree on a session.</summary>
    Handshake,

    /// <summary>The kernel refused for another reason, which the message tells.</summary>
    Refused,
}

/// <summary>A mount or unmount failed; the message says on what, why, and what to do.</summary>
/// <param name="failure">The reason, for callers that decide by it.</param>
/// <param name="message">The sentence for the user.</param>
public sealed class FuseMountException(FuseMountFailure failure, string message) : IOException(message)
{
    /// <summary>The reason.</summary>
    public FuseMountFailure Failure { get; } = failure;
}
