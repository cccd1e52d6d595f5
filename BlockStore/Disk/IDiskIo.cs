using Microsoft.Win32.SafeHandles;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore.Disk;

/// <summary>
/// Every call by which the store reads or changes its disk, in one place, so that tests can make any of them fail, tear or
/// wait. Who holds a <see cref="ReadPin"/> reads past it. Failures are <see cref="IOException"/> whose HResult is the errno.
/// Thread-safe.
/// </summary>
internal interface IDiskIo
{
    /// <summary>open(2); null and the error number if it fails. What is created has mode 0600.</summary>
    SafeFileHandle? TryOpen(string path, OpenFlags flags, out int errno);

    /// <summary>pread(2), once: may be short, 0 at the end.</summary>
    int Read(SafeFileHandle file, Span<byte> into, long offsetBytes);

    /// <summary>pwrite(2) of all bytes. After a failure any part of them may be written.</summary>
    void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offsetBytes);

    /// <summary>ftruncate(2).</summary>
    void SetLength(SafeFileHandle file, long lengthBytes);

    /// <summary>fallocate(2): gives a range back; it reads as zeros from then on.</summary>
    void PunchHole(SafeFileHandle file, long offsetBytes, long lengthBytes);

    /// <summary>unlink(2); no error if the name is not there.</summary>
    void Unlink(string path);

    /// <summary>rename(2), replacing.</summary>
    void Rename(string from, string to);

    /// <summary>fsync(2) of a file or directory.</summary>
    void Sync(SafeFileHandle file);

    /// <summary>syncfs(2).</summary>
    void SyncFileSystem(SafeFileHandle anyFile);

    /// <summary>sync_file_range(2): starts writing a range back; durability needs a sync still.</summary>
    void BeginWriteback(SafeFileHandle file, long offsetBytes, long lengthBytes);

    /// <summary>The same, and waits until the device has taken it.</summary>
    void AwaitWriteback(SafeFileHandle file, long offsetBytes, long lengthBytes);

    /// <summary>Drops the clean pages of a range from the page cache; advice only.</summary>
    void DropPages(SafeFileHandle file, long offsetBytes, long lengthBytes);

    /// <summary>What the file system of a directory has left for us.</summary>
    long FreeBytes(string directory);
}
