using Microsoft.Win32.SafeHandles;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore.Disk;

/// <summary>Measures how long the calls that move bytes take; passes all others on.</summary>
internal sealed class MeasuredDiskIo(IDiskIo inner, DiskLatency latency, LatencyHistogram writes) : IDiskIo
{
    public SafeFileHandle? TryOpen(string path, OpenFlags flags, out int errno) => inner.TryOpen(path, flags, out errno);

    public int Read(SafeFileHandle file, Span<byte> into, long offsetBytes)
    {
        using var call = latency.Reads.Measure();
        return inner.Read(file, into, offsetBytes);
    }

    public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offsetBytes)
    {
        using var call = writes.Measure();
        inner.Write(file, bytes, offsetBytes);
    }

    public void SetLength(SafeFileHandle file, long lengthBytes) => inner.SetLength(file, lengthBytes);

    public void PunchHole(SafeFileHandle file, long offsetBytes, long lengthBytes) => inner.PunchHole(file, offsetBytes, lengthBytes);

    public void Unlink(string path) => inner.Unlink(path);

    public void Rename(string from, string to) => inner.Rename(from, to);

    public void Sync(SafeFileHandle file)
    {
        using var call = latency.Syncs.Measure();
        inner.Sync(file);
    }

    public void SyncFileSystem(SafeFileHandle anyFile)
    {
        using var call = latency.Syncs.Measure();
        inner.SyncFileSystem(anyFile);
    }

    public void BeginWriteback(SafeFileHandle file, long offsetBytes, long lengthBytes) =>
        inner.BeginWriteback(file, offsetBytes, lengthBytes);

    public void AwaitWriteback(SafeFileHandle file, long offsetBytes, long lengthBytes)
    {
        using var call = latency.Writebacks.Measure();
        inner.AwaitWriteback(file, offsetBytes, lengthBytes);
    }

    public void DropPages(SafeFileHandle file, long offsetBytes, long lengthBytes) => inner.DropPages(file, offsetBytes, lengthBytes);

    public long FreeBytes(string directory) => inner.FreeBytes(directory);
}
