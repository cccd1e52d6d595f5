using System.Runtime.InteropServices;

namespace OrleansCache.Linux;

/// <summary>
/// Page-aligned zeroed memory outside the managed heap: right for O_DIRECT and device buffers, nothing to pin, and
/// pages that are never touched cost nothing. The owner disposes it when no call can use it any more.
/// </summary>
public sealed unsafe partial class AnonymousMemory : SafeHandle
{
    private readonly nuint _lengthBytes;

    /// <summary>Maps the memory; throws <see cref="LinuxFileException"/>.</summary>
    public AnonymousMemory(long lengthBytes)
        : base(invalidHandleValue: -1, ownsHandle: true)
    {
        const int ReadWrite = 1 | 2;
        const int PrivateAnonymous = 0x02 | 0x20;
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(lengthBytes);
        _lengthBytes = (nuint)lengthBytes;
        SetHandle(NativeMap(null, _lengthBytes, ReadWrite, PrivateAnonymous, -1, 0));
        if (IsInvalid)
        {
            throw new LinuxFileException(Marshal.GetLastPInvokeError(), $"mmap of {lengthBytes} anonymous bytes");
        }
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == -1;

    /// <summary>The first byte.</summary>
    public byte* Address => (byte*)handle;

    /// <summary>The length asked for.</summary>
    public long LengthBytes => (long)_lengthBytes;

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => NativeUnmap((void*)handle, _lengthBytes) == 0;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint NativeMap(
        void* address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int NativeUnmap(void* address, nuint length);
}
