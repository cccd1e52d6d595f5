using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Linux;

namespace OrleansCache.UnderStorage.Directories.Native;

/// <summary>The libc calls this driver needs and .NET does not offer. EINTR is handled here, other errors by callers.</summary>
internal static unsafe partial class LibC
{
    public const int OReadOnly = 0;
    public const int ONonBlock = 0x800;
    public const int OCloseOnExec = 0x80000;
    public const int OPath = 0x200000;
    public const int AtFdCwd = -100;
    public const int AtSymlinkNoFollow = 0x100;
    public const int AtEmptyPath = 0x1000;
    public const int AtStatxForceSync = 0x2000;

    private const nint OpenAt2Number = 437; // the same on every architecture
    private const int FcntlSetSignal = 10;
    private const int FcntlSetLease = 1024;
    private const int LeaseRead = 0;
    private const int LeaseNone = 2;
    private const int SignalUrgent = 23;
    private const int AdviseSequential = 2;

    /// <summary>O_DIRECTORY and O_NOFOLLOW have other values on arm64 than on x86.</summary>
    public static int ODirectory { get; } = IsArm ? 0x4000 : 0x10000;

    public static int ONoFollow { get; } = IsArm ? 0x8000 : 0x20000;

    private static bool IsArm => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;

    /// <summary>openat2(2): glibc has no wrapper for it.</summary>
    public static int OpenAt2(SafeFileHandle root, byte* path, OpenHow* how)
    {
        nint result;
        do
        {
            result = SysOpenAt2(OpenAt2Number, root, path, how, sizeof(OpenHow));
        }
        while (result < 0 && Marshal.GetLastPInvokeError() == (int)Errno.Interrupted);
        return (int)result;
    }

    public static int Pread(SafeFileHandle file, Span<byte> destination, long offsetBytes)
    {
        fixed (byte* buffer = destination)
        {
            nint result;
            do
            {
                result = SysPread(file, buffer, (nuint)destination.Length, offsetBytes);
            }
            while (result < 0 && Marshal.GetLastPInvokeError() == (int)Errno.Interrupted);
            return (int)result;
        }
    }

    /// <summary>
    /// Whether nobody has the file open (or mapped) for writing at this moment: the kernel grants a read lease only then.
    /// The lease is given back at once. False also when we may not ask (not the owner, a file system without leases).
    /// </summary>
    public static bool HasNoWriter(SafeFileHandle file)
    {
        // A lease break would send SIGIO, whose default ends the process; SIGURG is ignored by default.
        if (Fcntl(file, FcntlSetSignal, SignalUrgent) != 0 || Fcntl(file, FcntlSetLease, LeaseRead) != 0)
        {
            return false;
        }

        return Fcntl(file, FcntlSetLease, LeaseNone) == 0;
    }

    /// <summary>Fills are sequential: more readahead. A hint, so its failure means nothing.</summary>
    public static void AdviseSequentialReads(SafeFileHandle file) => _ = PosixFadvise(file, 0, 0, AdviseSequential);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true)]
    public static partial int Open(byte* path, int flags);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    public static partial int Statx(SafeFileHandle directory, byte* name, int flags, uint mask, StatxBuffer* buffer);

    [LibraryImport("libc", EntryPoint = "name_to_handle_at", SetLastError = true)]
    public static partial int NameToHandleAt(
        SafeFileHandle directory, byte* name, FileHandleBuffer* handle, int* mountId, int flags);

    [LibraryImport("libc", EntryPoint = "fstatfs", SetLastError = true)]
    public static partial int FStatFs(SafeFileHandle file, StatFsBuffer* buffer);

    [LibraryImport("libc", EntryPoint = "getdents64", SetLastError = true)]
    public static partial nint GetDents64(SafeFileHandle directory, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true)]
    public static partial nint ReadLinkAt(SafeFileHandle link, byte* name, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SysOpenAt2(nint number, SafeFileHandle root, byte* path, OpenHow* how, nint size);

    [LibraryImport("libc", EntryPoint = "pread64", SetLastError = true)]
    private static partial nint SysPread(SafeFileHandle file, byte* buffer, nuint length, long offset);

    [LibraryImport("libc", EntryPoint = "fcntl64", SetLastError = true)]
    private static partial int Fcntl(SafeFileHandle file, int command, int argument);

    [LibraryImport("libc", EntryPoint = "posix_fadvise64")]
    private static partial int PosixFadvise(SafeFileHandle file, long offset, long length, int advice);
}
