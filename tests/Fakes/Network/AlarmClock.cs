using System.Diagnostics;
using System.Runtime.InteropServices;

namespace OrleansCache.Fakes.Network;

/// <summary>
/// Wakes tasks at exact times: one thread and nanosleep, for timers of .NET count milliseconds and come up to one late,
/// which is a tenth of a delay of 10 ms.
/// </summary>
internal sealed class AlarmClock : IDisposable
{
    private const long NearNs = 2_000_000; // Below that a wait cannot be broken off any more: so late may a nearer alarm be.
    private readonly object _lock = new();
    private readonly PriorityQueue<TaskCompletionSource, long> _alarms = new();
    private readonly Thread _thread;
    private bool _ended;

    public AlarmClock()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "delay proxy" };
        _thread.Start();
    }

    /// <summary>Completes at a <see cref="Stopwatch"/> timestamp.</summary>
    public Task WaitUntil(long timestamp)
    {
        if (timestamp <= Stopwatch.GetTimestamp())
        {
            return Task.CompletedTask;
        }

        var alarm = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _alarms.Enqueue(alarm, timestamp);
            Monitor.Pulse(_lock);
        }

        return alarm.Task;
    }

    /// <summary>Wakes all.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _ended = true;
            Monitor.Pulse(_lock);
        }

        _thread.Join();
    }

    private void Run()
    {
        while (true)
        {
            long restNs;
            lock (_lock)
            {
                Ring();
                if (_ended)
                {
                    return;
                }

                restNs = _alarms.TryPeek(out _, out var due) ? ToNanoseconds(due - Stopwatch.GetTimestamp()) : long.MaxValue;
                if (restNs > NearNs)
                {
                    Monitor.Wait(_lock, (int)Math.Clamp((restNs - NearNs) / 1_000_000, 1, 1000)); // Never 0: that spins.
                    continue;
                }
            }

            Sleep(restNs);
        }
    }

    private void Ring()
    {
        var now = Stopwatch.GetTimestamp();
        while (_alarms.TryPeek(out var alarm, out var due) && (due <= now || _ended))
        {
            _alarms.Dequeue();
            alarm.SetResult();
        }
    }

    private static long ToNanoseconds(long ticks) => ticks * (1_000_000_000 / Stopwatch.Frequency);

    private static void Sleep(long nanoseconds)
    {
        if (nanoseconds > 0)
        {
            var request = new Timespec { Seconds = nanoseconds / 1_000_000_000, Nanoseconds = nanoseconds % 1_000_000_000 };
            _ = NanoSleep(ref request, IntPtr.Zero); // Woken early by a signal: the loop looks at the clock again.
        }
    }

#pragma warning disable SYSLIB1054 // A generated import would make this assembly unsafe for one blittable call.
    [DllImport("libc", EntryPoint = "nanosleep")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NanoSleep(ref Timespec request, IntPtr remaining);
#pragma warning restore SYSLIB1054

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
