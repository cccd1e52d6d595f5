using System.Globalization;
using System.Text;

namespace OrleansCache.Fuse.Session;

/// <summary>
/// Whether the thread a request came from is being ended. Only such a thread may be answered EINTR: to all others a read of a
/// regular file is not interruptible, on any file system. Programs with timers and profilers (SIGALRM, SIGPROF, Go's SIGURG)
/// are not written for EINTR there, and a page fault that gets it dies of SIGBUS.
/// </summary>
internal static class CallingThread
{
    private const ulong Kill = 1UL << (9 - 1);

    /// <summary>
    /// SIGQUIT, ILL, TRAP, ABRT, BUS, FPE, SEGV, XCPU, XFSZ, SYS: unless handled they end the process with a core dump, and the
    /// kernel does not turn them into SIGKILL before the system call is over, as it does with SIGTERM and SIGINT.
    /// </summary>
    private const ulong CoreDumping = (1UL << 2) | (1UL << 3) | (1UL << 4) | (1UL << 5) | (1UL << 6) | (1UL << 7)
        | (1UL << 10) | (1UL << 23) | (1UL << 24) | (1UL << 30);

    /// <summary>Whether a thread is about to end by a signal. False when it cannot be told: the deadline ends the wait then.</summary>
    public static bool IsEnding(uint thread)
    {
        if (thread == 0)
        {
            return false; // The kernel itself, or a process our pid namespace does not show.
        }

        try
        {
            return IsEnding(File.ReadAllBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/{thread}/status")));
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The same, of the content of <c>/proc/THREAD/status</c>.</summary>
    public static bool IsEnding(ReadOnlySpan<byte> status)
    {
        var own = MaskAfter(status, "\nSigPnd:\t"u8);
        if ((own & Kill) != 0)
        {
            return true;
        }

        var kept = MaskAfter(status, "\nSigBlk:\t"u8) | MaskAfter(status, "\nSigIgn:\t"u8) | MaskAfter(status, "\nSigCgt:\t"u8);
        return ((own | MaskAfter(status, "\nShdPnd:\t"u8)) & CoreDumping & ~kept) != 0;
    }

    private static ulong MaskAfter(ReadOnlySpan<byte> status, ReadOnlySpan<byte> label)
    {
        const int Digits = 16;
        var at = status.IndexOf(label);
        return at >= 0 && status.Length >= at + label.Length + Digits
            && ulong.TryParse(
                Encoding.ASCII.GetString(status.Slice(at + label.Length, Digits)), NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture, out var mask)
            ? mask
            : 0;
    }
}
