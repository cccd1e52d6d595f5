using System.Runtime.InteropServices;

namespace OrleansCache.Linux;

/// <summary>A file system call failed. <see cref="Errno"/> says how, the message on what.</summary>
public sealed class LinuxFileException(int errno, string tried)
    : IOException($"{tried}: {Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})", errno)
{
    /// <summary>The error number.</summary>
    public int Errno { get; } = errno;
}
