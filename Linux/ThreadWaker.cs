using System.ComponentModel;
using System.Runtime.InteropServices;

namespace OrleansCache.Linux;

/// <summary>
/// Wakes threads that block in a system call: a signal whose handler does nothing makes the call return EINTR. The
/// handler is libc's own getppid, safe at any moment and never managed code. A signal that arrives just before the
/// call is lost, so a waker repeats it until the thread has gone.
/// </summary>
public static partial class ThreadWaker
{
    /// <summary>A real-time signal that neither glibc (32, 33) nor the .NET runtime (34) uses.</summary>
    private const int WakeSignal = 42;

    private static readonly Lazy<bool> Installed = new(Install);

    /// <summary>Number of the calling thread, for <see cref="Wake"/>; makes sure that the signal is harmless.</summary>
    public static int CurrentThread()
    {
        _ = Installed.Value;
        return NativeThreadId();
    }

    /// <summary>Interrupts a system call of a thread of this process.</summary>
    /// <returns>False when there is no such thread any more.</returns>
    public static bool Wake(int thread)
    {
        _ = Installed.Value;
        return NativeThreadSignal(Environment.ProcessId, thread, WakeSignal) == 0;
    }

    private static bool Install()
    {
        var handler = NativeLibrary.GetExport(NativeLibrary.Load("libc.so.6"), "getppid");
        if (NativeSignal(WakeSignal, handler) == -1 || NativeInterrupts(WakeSignal, 1) != 0)
        {
            throw new Win32Exception(
                Marshal.GetLastPInvokeError(), $"The wake-up signal {WakeSignal} could not be set up.");
        }

        return true;
    }

    [LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int NativeThreadId();

    [LibraryImport("libc", EntryPoint = "tgkill", SetLastError = true)]
    private static partial int NativeThreadSignal(int process, int thread, int signal);

    [LibraryImport("libc", EntryPoint = "signal", SetLastError = true)]
    private static partial nint NativeSignal(int signal, nint handler);

    [LibraryImport("libc", EntryPoint = "siginterrupt", SetLastError = true)]
    private static partial int NativeInterrupts(int signal, int interrupts);
}
