using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>What the error numbers of the under storage's file system mean for a reader.</summary>
internal static class ErrnoStatus
{
    /// <summary>EXDEV: the walk would leave the root.</summary>
    private const Errno CrossDevice = (Errno)18;

    /// <summary>
    /// The status of a failed call. A link in the middle of a path (ELOOP) and a step out of the root (EXDEV) are names that do
    /// not exist for us. Everything unknown is the under storage's trouble: Unavailable.
    /// </summary>
    public static ReadStatus Of(int errno) => (Errno)errno switch
    {
        Errno.NoEntry or Errno.NotDirectory or Errno.NameTooLong or Errno.Loop or CrossDevice => ReadStatus.NotFound,
        Errno.NotPermitted or Errno.AccessDenied => ReadStatus.AccessDenied,
        Errno.IsDirectory => ReadStatus.IsADirectory,
        _ => ReadStatus.Unavailable, // ESTALE, EIO, ETIMEDOUT, EMFILE ...
    };
}
