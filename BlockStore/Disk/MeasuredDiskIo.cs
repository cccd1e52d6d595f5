using Microsoft.Win32.SafeHandles;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore.Disk;

/// <summary>Measures how long the calls that move bytes take; passes all others on.</summary>
internal sealed class MeasuredDiskIo(IDiskIo inner, DiskLatency latency, LatencyHistogram writes) : IDiskIo
{
    public SafeFileHandle? TryOpen(string path, OpenFlags flags, out int errno) => inner.TryOpen(path, flags, out errno);

    public int Read(SafeFileHandle file, Span<byte> into, long offsetBytes)
    {
        var began = latency.Reads.Begin();
        try
        {
            return inner.Read(file, into, offsetBytes);
        }
        finally
        {
            latency.Reads.End(began);
        }
    }

    public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offsetBytes)
    {
        var began = writes.Begin();
        try
        {
            inner.Write(file, bytes, offsetBytes);
        }
        finally
        {
            writes.End(began);
        }
    }

    public void SetLength(SafeFileHandle file, long lengthBytes) => inner.SetLength(file, lengthBytes);

    public void PunchHole(SafeFileHandle file, long offsetBytes, long lengthBytes) => inner.PunchHole(file, offsetBytes, lengthBytes);

    public void Unlink(string path) => inner.Unlink(path);

    public void Rename(string from, string to) => inner.Rename(from, to);

    public void Sync(SafeFileHandle file)
    {
        var began = latency.Syncs.Begin();
        try
        {
            inner.Sync(file);
        }
        finally
        {
            latency.Syncs.End(began);
        }
    }

    public void SyncFileSystem(SafeFileHandle anyFile)
    {
        var began = latency.Syncs.Begin();
        try
        {
            inner.SyncFileSystem(anyFile);
        }
        finally
        {
            latency.Syncs.End(began);
        }
    }

    public void BeginWriteback(SafeFileHandle file, long offsetBytes, long lengthBytes) =>
        inner.BeginWriteback(file, offsetBytes, lengthBytes);

    public void AwaitWriteback(SafeFileHandle file, long offsetBytes, long lengthBytes)
    {
        var began = latency.Writebacks.Begin();
        try
        {
            inner.AwaitWriteback(file, offsetBytes, lengthBytes);
        }
        finally
        {
            latency.Writebacks.End(began);
        }
    }

    public void DropPages(SafeFileHandle file, long offsetBytes, long lengthBytes) => inner.DropPages(file, offsetBytes, lengthBytes);

    public long FreeBytes(string directory) => inner.FreeBytes(directory);
}
