using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Linux;

namespace OrleansCache.Bench.Store;

/// <summary>The ways to move bytes between which the block store had to choose (docs/design/10-io.md).</summary>
internal static unsafe partial class NativeIo
{
    /// <summary>RWF_DONTCACHE: the pages are dropped as soon as they were used.</summary>
    internal const int DontCache = 0x80;

    /// <summary>O_DIRECT: past the page cache.</summary>
    internal const OpenFlags Direct = (OpenFlags)0x4000;

    private const uint StartWriteback = 2, WaitBefore = 1, WaitAfter = 4; // SYNC_FILE_RANGE_*

    internal static int Read(SafeFileHandle file, byte* buffer, int lengthBytes, long offsetBytes, int flags)
    {
        var vector = new IoVector((nint)buffer, (nuint)lengthBytes);
        return Check(PreadV2(file, &vector, 1, offsetBytes, flags), "preadv2");
    }

    internal static int Write(SafeFileHandle file, byte* buffer, int lengthBytes, long offsetBytes, int flags)
    {
        var vector = new IoVector((nint)buffer, (nuint)lengthBytes);
        return Check(PwriteV2(file, &vector, 1, offsetBytes, flags), "pwritev2");
    }

    /// <summary>Starts writing a range back, and does not wait for it.</summary>
    internal static void Begin(SafeFileHandle file, long offsetBytes, long lengthBytes) =>
        Check(SyncFileRange(file, offsetBytes, lengthBytes, StartWriteback), "sync_file_range");

    /// <summary>Writes a range back and waits for it.</summary>
    internal static void Await(SafeFileHandle file, long offsetBytes, long lengthBytes) =>
        Check(SyncFileRange(file, offsetBytes, lengthBytes, WaitBefore | StartWriteback | WaitAfter), "sync_file_range");

    private static int Check(nint result, string call) =>
        result >= 0 ? (int)result : throw new LinuxFileException(Marshal.GetLastPInvokeError(), call);

    [LibraryImport("libc", EntryPoint = "preadv2", SetLastError = true)]
    private static partial nint PreadV2(SafeFileHandle file, IoVector* vectors, int count, long offset, int flags);

    [LibraryImport("libc", EntryPoint = "pwritev2", SetLastError = true)]
    private static partial nint PwriteV2(SafeFileHandle file, IoVector* vectors, int count, long offset, int flags);

    [LibraryImport("libc", EntryPoint = "sync_file_range", SetLastError = true)]
    private static partial int SyncFileRange(SafeFileHandle file, long offset, long length, uint flags);
}
