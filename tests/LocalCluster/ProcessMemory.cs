using System.Globalization;

namespace OrleansCache.LocalCluster;

/// <summary>Memory of another process, as the kernel counts it.</summary>
public static class ProcessMemory
{
    /// <summary>VmRSS in bytes.</summary>
    public static long ResidentBytes(int processId) => Field(processId, "VmRSS:");

    /// <summary>VmHWM, the most it ever had, in bytes.</summary>
    public static long PeakResidentBytes(int processId) => Field(processId, "VmHWM:");

    private static long Field(int processId, string name)
    {
        var line = File.ReadLines($"/proc/{processId}/status").First(text => text.StartsWith(name, StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);
    }
}
