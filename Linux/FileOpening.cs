using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansCache.Linux;

/// <summary>How a file is opened; combine freely.</summary>
[Flags]
public enum OpenFlags
{
    /// <summary>O_RDONLY.</summary>
    ReadOnly = 0,

    /// <summary>O_RDWR.</summary>
    ReadWrite = 0x2,

    /// <summary>O_CREAT: create it if it is not there.</summary>
    Create = 0x40,

    /// <summary>O_EXCL: fail if it is there.</summary>
    Exclusive = 0x80,

    /// <summary>O_TRUNC: empty it.</summary>
    Truncate = 0x200,

    /// <summary>O_DSYNC: a write returns when its data is on the device.</summary>
    DataSync = 0x1000,

    /// <summary>O_DIRECTORY: fail if it is not a directory.</summary>
    Directory = 0x10000,
}

/// <summary>
/// open(2) without what File.OpenHandle adds (its FileShare is an flock of its own, which would collide with our leases).
/// Every descriptor is close-on-exec.
/// </summary>
public static partial class FileOpening
{
    private const int CloseOnExec = 0x80000;

    /// <summary>Opens a file; throws <see cref="LinuxFileException"/>.</summary>
    public static SafeFileHandle Open(string path, OpenFlags flags, int mode = 0x180) =>
        TryOpen(path, flags, mode, out var errno) ?? throw new LinuxFileException(errno, $"open {path}");

    /// <summary>Opens a file, or null and the error number. The mode (0600 unless said) is for a file that is created.</summary>
    public static SafeFileHandle? TryOpen(string path, OpenFlags flags, int mode, out int errno)
    {
        int fd;
        do
        {
            fd = OpenCall(path, (int)flags | CloseOnExec, mode);
            errno = fd < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (errno == Interrupted);

        return fd < 0 ? null : new SafeFileHandle(fd, ownsHandle: true);
    }

    /// <summary>Creates a directory for this user alone (0700); no error if it is there.</summary>
    public static void CreateDirectory(string path)
    {
        if (MakeDirectoryCall(path, 0x1C0) != 0 && Marshal.GetLastPInvokeError() is var errno and not Exists)
        {
            throw new LinuxFileException(errno, $"mkdir {path}");
        }
    }

    private const int Interrupted = 4, Exists = 17;

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeDirectoryCall(string path, int mode);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenCall(string path, int flags, int mode);
}
