using System.Diagnostics;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>The one table that turns outcomes into errno.</summary>
internal static class ReadStatusErrno
{
    public static Errno ToErrno(ReadStatus status) => status switch
    {
        ReadStatus.Ok => Errno.None,
        ReadStatus.NotFound => Errno.NoEntry,
        ReadStatus.NotADirectory => Errno.NotDirectory,
        ReadStatus.IsADirectory => Errno.IsDirectory,
        ReadStatus.AccessDenied => Errno.AccessDenied,
        ReadStatus.StaleVersion => Errno.Stale, // The version is gone: at OPEN the kernel looks the name up again.
        ReadStatus.DeadlineExceeded => Errno.InputOutput, // A regular file's read must never see EAGAIN.
        ReadStatus.Unavailable => Errno.InputOutput,
        ReadStatus.CapabilityRequired => Errno.InputOutput, // The client presents it by itself.
        ReadStatus.CapabilityRefused => Errno.Stale, // A fresh lookup brings a fresh seal.
        ReadStatus.LeaseExpired => Errno.InputOutput, // The client takes a new lease by itself.
        ReadStatus.InvalidRequest => Errno.InputOutput, // Our mistake: EINVAL would blame the program.
        ReadStatus.NotSupported => Errno.NotSupported,
        _ => throw new UnreachableException($"unmapped {status}"),
    };
}
