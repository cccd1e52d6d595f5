using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansCache.Bench.Fuse;

/// <summary>Reads a file once from start to end in requests of one size, as <c>fio --rw=read</c> with one job does.</summary>
internal static partial class SequentialRead
{
    private const int DontNeed = 4; // POSIX_FADV_DONTNEED

    /// <summary>MiB per second.</summary>
    internal static double Run(string path, int requestBytes)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(requestBytes, pinned: true);
        using var file = File.OpenHandle(path);
        long offset = 0;
        int read;
        var clock = Stopwatch.StartNew();
        while ((read = RandomAccess.Read(file, buffer, offset)) > 0)
        {
            offset += read;
        }

        return offset / (1024.0 * 1024.0) / clock.Elapsed.TotalSeconds;
    }

    /// <summary>Drops the pages of one file only: through a mount, those of the mount and not of what is behind it.</summary>
    internal static void DropPagesOf(string path)
    {
        using var file = File.OpenHandle(path);
        var error = FileAdvise(file, 0, 0, DontNeed);
        if (error != 0)
        {
            throw new InvalidOperationException($"posix_fadvise on {path} failed with {error}");
        }
    }

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int FileAdvise(SafeFileHandle file, long offset, long length, int advice);
}
