using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansCache.Linux;

/// <summary>What a file holds on its disk: punching, truncating, syncing, dropping pages, unlinking.</summary>
public static partial class FileSpace
{
    /// <summary>ENOENT.</summary>
    public const int NoSuchFile = 2;

    /// <summary>ENOSPC.</summary>
    public const int NoSpace = 28;

    private const int Interrupted = 4, KeepSize = 1, PunchHoleMode = 2, DontNeed = 4;
    private const uint WaitBefore = 1, StartWrite = 2, WaitAfter = 4; // SYNC_FILE_RANGE_*

    /// <summary>Gives a range back to the file system; it reads as zeros from then on. The length of the file stays.</summary>
    public static void PunchHole(SafeFileHandle file, long offsetBytes, long lengthBytes) =>
        Check(() => FallocateCall(file, PunchHoleMode | KeepSize, offsetBytes, lengthBytes), "fallocate(PUNCH_HOLE)");

    /// <summary>Sets the length; what is new is a hole.</summary>
    public static void SetLength(SafeFileHandle file, long lengthBytes) =>
        Check(() => FtruncateCall(file, lengthBytes), "ftruncate");

    /// <summary>Everything written to the file system of this file so far is on the device when this returns.</summary>
    public static void SyncFileSystem(SafeFileHandle anyFile) => Check(() => SyncfsCall(anyFile), "syncfs");

    /// <summary>The file (or directory) is on the device when this returns.</summary>
    public static void Sync(SafeFileHandle file) => Check(() => FsyncCall(file), "fsync");

    /// <summary>Starts writing the dirty pages of a range to the device and does not wait; nothing is flushed.</summary>
    public static void BeginWriteback(SafeFileHandle file, long offsetBytes, long lengthBytes) =>
        Check(() => SyncFileRangeCall(file, offsetBytes, lengthBytes, StartWrite), "sync_file_range");

    /// <summary>Writes the dirty pages of a range and waits until the device has taken them; nothing is flushed.</summary>
    public static void AwaitWriteback(SafeFileHandle file, long offsetBytes, long lengthBytes) =>
        Check(() => SyncFileRangeCall(file, offsetBytes, lengthBytes, WaitBefore | StartWrite | WaitAfter), "sync_file_range");

    /// <summary>Drops the clean pages of a range from the page cache; advice only.</summary>
    public static void DropPages(SafeFileHandle file, long offsetBytes, long lengthBytes) =>
        _ = FadviseCall(file, offsetBytes, lengthBytes, DontNeed);

    /// <summary>Removes a name; no error if it is not there.</summary>
    public static void Unlink(string path)
    {
        if (UnlinkCall(path) != 0 && Marshal.GetLastPInvokeError() is var errno and not NoSuchFile)
        {
            throw new LinuxFileException(errno, $"unlink {path}");
        }
    }

    /// <summary>Gives a file another name, replacing what has it.</summary>
    public static void Rename(string from, string to)
    {
        if (RenameCall(from, to) != 0)
        {
            throw new LinuxFileException(Marshal.GetLastPInvokeError(), $"rename {from} to {to}");
        }
    }

    private static void Check(Func<int> call, string name)
    {
        while (call() != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno != Interrupted)
            {
                throw new LinuxFileException(errno, name);
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int FallocateCall(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int FtruncateCall(SafeFileHandle file, long length);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    private static partial int SyncfsCall(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "sync_file_range", SetLastError = true)]
    private static partial int SyncFileRangeCall(SafeFileHandle file, long offset, long length, uint flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FsyncCall(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "posix_fadvise", SetLastError = false)]
    private static partial int FadviseCall(SafeFileHandle file, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UnlinkCall(string path);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameCall(string from, string to);
}
