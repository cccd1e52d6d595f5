using System.Globalization;

namespace OrleansCache.Bench.S3;

/// <summary>CPU time of another process.</summary>
internal static class ProcessCpu
{
    private const double TicksPerSecond = 100; // USER_HZ, which Linux has frozen for programs.

    /// <summary>User and system time so far.</summary>
    internal static double Seconds(int processId)
    {
        var stat = File.ReadAllText($"/proc/{processId}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' '); // A name may have blanks; after it comes field 3.
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }
}
