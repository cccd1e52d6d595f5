namespace OrleansCache.Linux;

/// <summary>The error numbers of Linux (x86-64 and arm64 agree on all of these), named as errno(3) does.</summary>
public enum Errno
{
    /// <summary>No error.</summary>
    None = 0,

    /// <summary>EPERM: operation not permitted.</summary>
    NotPermitted = 1,

    /// <summary>ENOENT: no such file or directory.</summary>
    NoEntry = 2,

    /// <summary>EINTR: interrupted by a signal.</summary>
    Interrupted = 4,

    /// <summary>EIO: the data cannot be had.</summary>
    InputOutput = 5,

    /// <summary>ENXIO: no such device or address.</summary>
    NoSuchDeviceOrAddress = 6,

    /// <summary>E2BIG: more than the receiver takes.</summary>
    TooBig = 7,

    /// <summary>EBADF: not an open descriptor.</summary>
    BadDescriptor = 9,

    /// <summary>EAGAIN: would block; never an answer to a read of a regular file.</summary>
    Again = 11,

    /// <summary>ENOMEM: out of memory.</summary>
    NoMemory = 12,

    /// <summary>EACCES: permission denied.</summary>
    AccessDenied = 13,

    /// <summary>EFAULT: bad address.</summary>
    BadAddress = 14,

    /// <summary>EBUSY: in use.</summary>
    Busy = 16,

    /// <summary>EEXIST: exists already.</summary>
    Exists = 17,

    /// <summary>ENODEV: no such device; a FUSE descriptor says it after the unmount.</summary>
    NoDevice = 19,

    /// <summary>ENOTDIR: not a directory.</summary>
    NotDirectory = 20,

    /// <summary>EISDIR: is a directory.</summary>
    IsDirectory = 21,

    /// <summary>EINVAL: invalid argument.</summary>
    Invalid = 22,

    /// <summary>EMFILE: too many descriptors in this process.</summary>
    TooManyOpenFiles = 24,

    /// <summary>ENOTTY: the device does not know this ioctl.</summary>
    NotTypewriter = 25,

    /// <summary>EFBIG: file too large.</summary>
    FileTooBig = 27,

    /// <summary>ENOSPC: no space left.</summary>
    NoSpace = 28,

    /// <summary>EROFS: read-only file system.</summary>
    ReadOnlyFileSystem = 30,

    /// <summary>EMLINK: too many links.</summary>
    TooManyLinks = 31,

    /// <summary>EPIPE: broken pipe.</summary>
    BrokenPipe = 32,

    /// <summary>ERANGE: the caller's buffer is too small for the answer.</summary>
    Range = 34,

    /// <summary>ENAMETOOLONG: file name too long.</summary>
    NameTooLong = 36,

    /// <summary>ENOSYS: not implemented; to FUSE an answer for the connection's whole life.</summary>
    NotImplemented = 38,

    /// <summary>ENOTEMPTY: directory not empty.</summary>
    NotEmpty = 39,

    /// <summary>ELOOP: too many symbolic links.</summary>
    Loop = 40,

    /// <summary>ENODATA: no such extended attribute.</summary>
    NoData = 61,

    /// <summary>EPROTO: protocol error.</summary>
    Protocol = 71,

    /// <summary>EOVERFLOW: value too large for its type.</summary>
    Overflow = 75,

    /// <summary>EOPNOTSUPP: operation not supported.</summary>
    NotSupported = 95,

    /// <summary>ECONNABORTED: connection aborted; FUSE says it for an aborted session.</summary>
    ConnectionAborted = 103,

    /// <summary>ENOTCONN: "Transport endpoint is not connected": the daemon of a FUSE mount is gone.</summary>
    NotConnected = 107,

    /// <summary>ETIMEDOUT: timed out.</summary>
    TimedOut = 110,

    /// <summary>ECONNREFUSED: connection refused.</summary>
    ConnectionRefused = 111,

    /// <summary>ESTALE: the handle's file version is gone; look the name up again.</summary>
    Stale = 116,

    /// <summary>EDQUOT: quota exceeded.</summary>
    QuotaExceeded = 122,

    /// <summary>ECANCELED: cancelled.</summary>
    Cancelled = 125,
}
