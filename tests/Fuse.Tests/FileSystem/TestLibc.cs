using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansCache.Fuse.Tests.FileSystem;

/// <summary>System calls that .NET hides, as a program of the mount makes them. Names are bytes.</summary>
internal static unsafe partial class TestLibc
{
    public const int ReadOnly = 0;
    public const int WriteOnly = 1;
    public const int ReadWrite = 2;
    public const int Directory = 0x10000;

    /// <summary>Opens; throws with the errno.</summary>
    public static SafeFileHandle Open(string path, int flags = ReadOnly) =>
        new(Check(OpenCall(Bytes(path), flags | 0x80000), path), ownsHandle: true);

    /// <summary>Opens what may be gone.</summary>
    /// <returns>Null, with the errno, when it cannot be opened.</returns>
    public static SafeFileHandle? TryOpen(string path, out int errno, int flags = ReadOnly)
    {
        var fd = OpenCall(Bytes(path), flags | 0x80000);
        errno = fd >= 0 ? 0 : Marshal.GetLastPInvokeError();
        return fd >= 0 ? new SafeFileHandle(fd, ownsHandle: true) : null;
    }

    /// <summary>The errno of an open, 0 when it succeeds.</summary>
    public static int OpenErrno(string path, int flags = ReadOnly)
    {
        TryOpen(path, out var errno, flags)?.Dispose();
        return errno;
    }

    /// <summary>pread(2).</summary>
    /// <returns>Bytes, or the negated errno.</returns>
    public static int Read(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        fixed (byte* pointer = buffer)
        {
            var bytes = PreadCall(file, pointer, (nuint)buffer.Length, offset);
            return bytes < 0 ? -Marshal.GetLastPInvokeError() : (int)bytes;
        }
    }

    /// <summary>One getdents64(2): names, inode numbers and the cookie after each.</summary>
    public static List<(byte[] Name, ulong Inode, byte Type, long Cookie)> ReadDirectory(SafeFileHandle directory, int bufferBytes = 32768)
    {
        var buffer = new byte[bufferBytes];
        var entries = new List<(byte[], ulong, byte, long)>();
        fixed (byte* pointer = buffer)
        {
            var length = (int)Check((int)GetDents64(directory, pointer, (nuint)bufferBytes), "getdents64");
            for (var at = 0; at < length;)
            {
                var entry = buffer.AsSpan(at);
                var size = BitConverter.ToUInt16(entry[16..]);
                var name = entry[19..size];
                entries.Add((
                    name[..name.IndexOf((byte)0)].ToArray(),
                    BitConverter.ToUInt64(entry),
                    entry[18],
                    BitConverter.ToInt64(entry[8..])));
                at += size;
            }
        }

        return entries;
    }

    public static void Seek(SafeFileHandle file, long offset)
    {
        if (LseekCall(file, offset, 0) != offset)
        {
            throw new IOException($"lseek to {offset}: errno {Marshal.GetLastPInvokeError()}");
        }
    }

    /// <summary>getxattr(2).</summary>
    /// <returns>Bytes, or the negated errno.</returns>
    public static int GetXAttr(string path, string name, Span<byte> value)
    {
        fixed (byte* pointer = value)
        {
            var bytes = GetXAttrCall(Bytes(path), Bytes(name), pointer, (nuint)value.Length);
            return bytes < 0 ? -Marshal.GetLastPInvokeError() : (int)bytes;
        }
    }

    public static int ListXAttr(string path, Span<byte> names)
    {
        fixed (byte* pointer = names)
        {
            var bytes = ListXAttrCall(Bytes(path), pointer, (nuint)names.Length);
            return bytes < 0 ? -Marshal.GetLastPInvokeError() : (int)bytes;
        }
    }

    private static byte[] Bytes(string path) => [.. Files.EntryName.ToBytes(path), 0];

    private static int Check(int result, string what) =>
        result >= 0 ? result : throw new IOException($"{what}: errno {Marshal.GetLastPInvokeError()}");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true)]
    private static partial int OpenCall(byte[] path, int flags);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    private static partial nint PreadCall(SafeFileHandle file, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long LseekCall(SafeFileHandle file, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "getdents64", SetLastError = true)]
    private static partial nint GetDents64(SafeFileHandle file, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "getxattr", SetLastError = true)]
    private static partial nint GetXAttrCall(byte[] path, byte[] name, byte* value, nuint size);

    [LibraryImport("libc", EntryPoint = "listxattr", SetLastError = true)]
    private static partial nint ListXAttrCall(byte[] path, byte* list, nuint size);
}
