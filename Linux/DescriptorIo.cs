using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansCache.Linux;

/// <summary>A piece of memory for readv(2) and writev(2) (struct iovec).</summary>
/// <param name="Address">First byte.</param>
/// <param name="Length">Bytes.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct IoVector(nint Address, nuint Length)
{
    /// <summary>The bytes of a pointer.</summary>
    public static unsafe IoVector Of(void* address, int lengthBytes) => new((nint)address, (nuint)lengthBytes);
}

/// <summary>
/// Reads and writes on descriptors as the kernel offers them: no buffering, no pool, and no retry but for EINTR where
/// said. A negative result comes with its error; nothing throws, so device loops can decide by errno.
/// </summary>
public static unsafe partial class DescriptorIo
{
    /// <summary>read(2), once: EINTR is the caller's business, because a signal may be its way to be woken.</summary>
    public static nint Read(SafeHandle descriptor, void* buffer, int lengthBytes, out Errno error) =>
        Result(NativeRead(descriptor, buffer, (nuint)lengthBytes), out error);

    /// <summary>pread(2), repeated on EINTR; may be short.</summary>
    public static nint ReadAt(
        SafeHandle descriptor, void* buffer, int lengthBytes, long offsetBytes, out Errno error)
    {
        nint done;
        do
        {
            done = Result(NativeReadAt(descriptor, buffer, (nuint)lengthBytes, offsetBytes), out error);
        }
        while (error == Errno.Interrupted);
        return done;
    }

    /// <summary>write(2), repeated on EINTR; may be short where the device allows it.</summary>
    public static nint Write(SafeHandle descriptor, void* buffer, int lengthBytes, out Errno error)
    {
        nint done;
        do
        {
            done = Result(NativeWrite(descriptor, buffer, (nuint)lengthBytes), out error);
        }
        while (error == Errno.Interrupted);
        return done;
    }

    /// <summary>writev(2), repeated on EINTR: the pieces as one message.</summary>
    public static nint Write(SafeHandle descriptor, ReadOnlySpan<IoVector> pieces, out Errno error)
    {
        nint done;
        fixed (IoVector* first = pieces)
        {
            do
            {
                done = Result(NativeWriteVector(descriptor, first, pieces.Length), out error);
            }
            while (error == Errno.Interrupted);
        }

        return done;
    }

    /// <summary>ioctl(2) with a pointer argument, repeated on EINTR.</summary>
    public static int Control(SafeHandle descriptor, uint request, void* argument, out Errno error)
    {
        nint done;
        do
        {
            done = Result(NativeControl(descriptor, request, argument), out error);
        }
        while (error == Errno.Interrupted);
        return (int)done;
    }

    /// <summary>Waits until a descriptor can be read, at most this long; a signal does not end the wait.</summary>
    /// <returns>True when readable or in error; false when the time is up.</returns>
    public static bool WaitReadable(SafeHandle descriptor, TimeSpan timeout, out Errno error)
    {
        const short Readable = 1;
        var reference = false;
        try
        {
            descriptor.DangerousAddRef(ref reference);
            var entry = new PollEntry { Descriptor = (int)descriptor.DangerousGetHandle(), Events = Readable };
            nint ready;
            do
            {
                ready = Result(NativePoll(&entry, 1, (int)timeout.TotalMilliseconds), out error);
            }
            while (error == Errno.Interrupted);
            return ready > 0;
        }
        finally
        {
            if (reference)
            {
                descriptor.DangerousRelease();
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint Result(nint result, out Errno error)
    {
        error = result < 0 ? (Errno)Marshal.GetLastPInvokeError() : Errno.None;
        return result;
    }

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint NativeRead(SafeHandle descriptor, void* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    private static partial nint NativeReadAt(SafeHandle descriptor, void* buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint NativeWrite(SafeHandle descriptor, void* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "writev", SetLastError = true)]
    private static partial nint NativeWriteVector(SafeHandle descriptor, IoVector* pieces, int count);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int NativeControl(SafeHandle descriptor, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int NativePoll(PollEntry* entries, nuint count, int timeoutMs);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
