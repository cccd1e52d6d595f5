using Microsoft.Win32.SafeHandles;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore.Disk;

/// <summary>What is made of several calls.</summary>
internal static class DiskIoExtensions
{
    /// <summary>Opens a file; throws <see cref="LinuxFileException"/>.</summary>
    public static SafeFileHandle Open(this IDiskIo io, string path, OpenFlags flags) =>
        io.TryOpen(path, flags, out var errno) ?? throw new LinuxFileException(errno, $"open {path}");

    /// <summary>Reads until the span is full or the file ends; the number of bytes read.</summary>
    public static int ReadFully(this IDiskIo io, SafeFileHandle file, Span<byte> into, long offsetBytes)
    {
        var done = 0;
        while (done < into.Length && io.Read(file, into[done..], offsetBytes + done) is var read and > 0)
        {
            done += read;
        }

        return done;
    }

    /// <summary>Makes a change of names in a directory durable.</summary>
    public static void SyncDirectory(this IDiskIo io, string path)
    {
        using var directory = io.Open(path, OpenFlags.Directory);
        io.Sync(directory);
    }
}
