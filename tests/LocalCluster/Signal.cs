using System.Diagnostics;
using System.Globalization;

namespace OrleansCache.LocalCluster;

/// <summary>Signals by process id.</summary>
public static class Signal
{
    /// <summary>SIGTERM.</summary>
    public static void Terminate(int processId) => Send("-TERM", processId);

    /// <summary>SIGKILL.</summary>
    public static void Kill(int processId) => Send("-KILL", processId);

    /// <summary>SIGINT, as Ctrl-C.</summary>
    public static void Interrupt(int processId) => Send("-INT", processId);

    private static void Send(string signal, int processId)
    {
        using var kill = Process.Start("/bin/kill", [signal, processId.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}
