using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Tests.Mounting;

/// <summary>
/// File calls of the tests. Mapped memory is only touched inside libc: a page fault in managed code would hold up a
/// garbage collection that the session threads of this same process may be waiting for.
/// </summary>
internal static unsafe partial class RawCalls
{
    private const int NoMapping = -1;

    public static SafeFileHandle Open(string path)
    {
        var file = FileOpening.TryOpen(path, OpenFlags.ReadOnly, 0, out var errno);
        return file ?? throw new LinuxFileException(errno, $"open {path}");
    }

    public static Errno OpenError(string path, OpenFlags flags)
    {
        using var file = FileOpening.TryOpen(path, flags, 0x1B6, out var errno);
        return (Errno)errno;
    }

    /// <summary>Bytes read or a negated errno.</summary>
    public static int ReadAt(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        fixed (byte* first = buffer)
        {
            var done = DescriptorIo.ReadAt(file, first, buffer.Length, offset, out var error);
            return error == Errno.None ? (int)done : -(int)error;
        }
    }

    /// <summary>read(2) that EINTR ends.</summary>
    public static Errno ReadOnce(SafeFileHandle file, byte[] buffer)
    {
        fixed (byte* first = buffer)
        {
            DescriptorIo.Read(file, first, buffer.Length, out var error);
            return error;
        }
    }

    /// <summary>The content through mmap(2).</summary>
    public static byte[] ReadMapped(SafeFileHandle file, int length, bool shared)
    {
        var content = new byte[length];
        var map = NativeMap(null, (nuint)length, 1, shared ? 1 : 2, file, 0);
        Assert.NotEqual(NoMapping, map);
        fixed (byte* target = content)
        {
            NativeCopy(target, (byte*)map, (nuint)length);
        }

        Assert.Equal(0, NativeUnmap((byte*)map, (nuint)length));
        return content;
    }

    public static (int Length, string Value) GetXAttr(string path, string name, int room)
    {
        var buffer = new byte[Math.Max(1, room)];
        fixed (byte* first = buffer)
        {
            var length = (int)NativeGetXAttr(path, name, first, (nuint)room);
            return length < 0
                ? (-Marshal.GetLastPInvokeError(), string.Empty)
                : (length, Encoding.UTF8.GetString(buffer, 0, Math.Min(length, room)));
        }
    }

    public static int MakeDirectory(string path) =>
        NativeMakeDirectory(path, 0x1ED) == 0 ? 0 : Marshal.GetLastPInvokeError();

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint NativeMap(
        byte* address, nuint length, int protection, int flags, SafeHandle file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int NativeUnmap(byte* address, nuint length);

    [LibraryImport("libc", EntryPoint = "memcpy")]
    private static partial byte* NativeCopy(byte* target, byte* source, nuint length);

    [LibraryImport("libc", EntryPoint = "getxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint NativeGetXAttr(string path, string name, byte* value, nuint size);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeMakeDirectory(string path, uint mode);
}
