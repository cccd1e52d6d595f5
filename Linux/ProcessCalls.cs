using System.Runtime.InteropServices;

namespace OrleansCache.Linux;

/// <summary>What a process needs to become a daemon, or to ask another one to end.</summary>
public static partial class ProcessCalls
{
    private const int TerminateSignal = 15;

    /// <summary>setsid(2): a session of its own, without a terminal. The leader of a process group cannot have one.</summary>
    /// <returns>False when it is a leader already.</returns>
    public static bool TryStartSession() => SetSid() >= 0;

    /// <summary>dup2(2): makes a descriptor number mean what another descriptor means.</summary>
    public static Errno Redirect(SafeHandle to, int number) =>
        Dup2(to, number) < 0 ? (Errno)Marshal.GetLastPInvokeError() : Errno.None;

    /// <summary>kill(2) with SIGTERM.</summary>
    public static Errno Terminate(int processId) =>
        Kill(processId, TerminateSignal) < 0 ? (Errno)Marshal.GetLastPInvokeError() : Errno.None;

    [LibraryImport("libc", EntryPoint = "setsid", SetLastError = true)]
    private static partial int SetSid();

    [LibraryImport("libc", EntryPoint = "dup2", SetLastError = true)]
    private static partial int Dup2(SafeHandle from, int to);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
