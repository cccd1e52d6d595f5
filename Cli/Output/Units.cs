using System.Globalization;

namespace OrleansCache.Cli.Output;

/// <summary>Numbers for people.</summary>
internal static class Units
{
    private static readonly string[] Names = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

    /// <summary>Bytes with a unit, such as <c>1.5 MiB</c>.</summary>
    public static string Bytes(long bytes)
    {
        var value = (double)bytes;
        var unit = 0;
        while (Math.Abs(value) >= 1024 && unit < Names.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return unit == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{bytes} B")
            : string.Create(CultureInfo.InvariantCulture, $"{value:0.0} {Names[unit]}");
    }

    /// <summary>Nanoseconds since 1970 as UTC.</summary>
    public static string Time(long ns) =>
        DateTimeOffset.UnixEpoch.AddTicks(ns / 100).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>A ratio in percent, or a dash.</summary>
    public static string Percent(double? ratio) =>
        ratio is { } value ? string.Create(CultureInfo.InvariantCulture, $"{value * 100:0.0}%") : "-";

    /// <summary>MiB/s, 0 when no time passed.</summary>
    public static double MibPerSecond(long bytes, TimeSpan elapsed) =>
        elapsed > TimeSpan.Zero ? Math.Round(bytes / 1048576.0 / elapsed.TotalSeconds, 1) : 0;
}
