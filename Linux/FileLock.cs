using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansCache.Linux;

/// <summary>
/// flock(2), never blocking. The lock belongs to the open file description: every dup of it, also in another process,
/// holds it, and it ends when the last is closed.
/// </summary>
public static partial class FileLock
{
    private const int Shared = 1, Exclusive = 2, NonBlocking = 4, Release = 8;
    private const int WouldBlock = 11, Interrupted = 4;

    /// <summary>Takes the lock shared; false if somebody holds it exclusively.</summary>
    public static bool TryLockShared(SafeFileHandle file) => Call(file, Shared | NonBlocking);

    /// <summary>Takes the lock exclusively; false if somebody else holds it at all.</summary>
    public static bool TryLockExclusive(SafeFileHandle file) => Call(file, Exclusive | NonBlocking);

    /// <summary>Gives the lock back.</summary>
    public static void Unlock(SafeFileHandle file) => Call(file, Release);

    private static bool Call(SafeFileHandle file, int operation)
    {
        while (Flock(file, operation) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno == WouldBlock)
            {
                return false;
            }

            if (errno != Interrupted)
            {
                throw new LinuxFileException(errno, "flock");
            }
        }

        return true;
    }

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeFileHandle file, int operation);
}
