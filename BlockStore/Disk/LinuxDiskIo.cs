using Microsoft.Win32.SafeHandles;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore.Disk;

/// <summary>The kernel.</summary>
internal sealed class LinuxDiskIo : IDiskIo
{
    private const int OwnerOnly = 0x180; // 0600

    private LinuxDiskIo()
    {
    }

    public static LinuxDiskIo Instance { get; } = new();

    public SafeFileHandle? TryOpen(string path, OpenFlags flags, out int errno) =>
        FileOpening.TryOpen(path, flags, OwnerOnly, out errno);

    public int Read(SafeFileHandle file, Span<byte> into, long offsetBytes) => RandomAccess.Read(file, into, offsetBytes);

    public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offsetBytes) => RandomAccess.Write(file, bytes, offsetBytes);

    public void SetLength(SafeFileHandle file, long lengthBytes) => FileSpace.SetLength(file, lengthBytes);

    public void PunchHole(SafeFileHandle file, long offsetBytes, long lengthBytes) =>
        FileSpace.PunchHole(file, offsetBytes, lengthBytes);

    public void Unlink(string path) => FileSpace.Unlink(path);

    public void Rename(string from, string to) => FileSpace.Rename(from, to);

    public void Sync(SafeFileHandle file) => FileSpace.Sync(file);

    public void SyncFileSystem(SafeFileHandle anyFile) => FileSpace.SyncFileSystem(anyFile);

    public void BeginWriteback(SafeFileHandle file, long offsetBytes, long lengthBytes) =>
        FileSpace.BeginWriteback(file, offsetBytes, lengthBytes);

    public void AwaitWriteback(SafeFileHandle file, long offsetBytes, long lengthBytes) =>
        FileSpace.AwaitWriteback(file, offsetBytes, lengthBytes);

    public void DropPages(SafeFileHandle file, long offsetBytes, long lengthBytes) =>
        FileSpace.DropPages(file, offsetBytes, lengthBytes);

    public long FreeBytes(string directory) => new DriveInfo(directory).AvailableFreeSpace;
}
