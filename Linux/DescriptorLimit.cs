using System.Globalization;

namespace OrleansCache.Linux;

/// <summary>How many descriptors this process may have (RLIMIT_NOFILE; .NET raises the soft limit to the hard one at start).</summary>
public static class DescriptorLimit
{
    private const string LimitsPath = "/proc/self/limits";
    private const string Row = "Max open files";

    // What a kernel that says nothing allows everybody.
    private const int Fallback = 1024;

    /// <summary>The soft limit.</summary>
    public static int Read() => File.Exists(LimitsPath) ? Parse(File.ReadLines(LimitsPath)) : Fallback;

    /// <summary>The soft limit in the lines of <c>/proc/self/limits</c>.</summary>
    public static int Parse(IEnumerable<string> lines)
    {
        var row = lines.FirstOrDefault(line => line.StartsWith(Row, StringComparison.Ordinal));
        var soft = row?[Row.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return soft switch
        {
            null => Fallback,
            "unlimited" => int.MaxValue,
            _ => long.TryParse(soft, CultureInfo.InvariantCulture, out var limit) ? (int)Math.Min(limit, int.MaxValue) : Fallback,
        };
    }
}
