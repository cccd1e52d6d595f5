using System.Globalization;
using System.Text.Json;
using OrleansCache.LocalCluster;
using Spectre.Console;

namespace OrleansCache.Bench;

/// <summary>Shows a table and keeps the figures below <c>bench/history</c>.</summary>
internal static class Report
{
    private const int RedirectedWidth = 160; // A file has none; 80 would break every line of ratios.

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    internal static void Write(string bench, int rounds, IReadOnlyList<BenchResult> results, TimeProvider time)
    {
        var table = new Table().AddColumns("workload", "state", "variant", "median", "min", "max", "unit", "ratios");
        foreach (var result in results)
        {
            table.AddRow(
                result.Workload, result.State, result.Variant, Figure(result.Median), Figure(result.Min), Figure(result.Max), result.Unit,
                string.Join(", ", result.Ratios.Select(ratio => FormattableString.Invariant($"{ratio.Value:F2}x {ratio.Key}"))));
        }

        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = RedirectedWidth;
        }

        AnsiConsole.Write(table);
        var folder = Directory.CreateDirectory(Path.Combine(Programs.Root, "bench", "history")).FullName;
        var now = time.GetUtcNow();
        var file = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{bench}-{now:yyyyMMdd-HHmmss}.json"));
        File.WriteAllText(file, JsonSerializer.Serialize(
            new
            {
                bench,
                rounds,
                when = now,
                kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
                cores = Environment.ProcessorCount,
                results,
            },
            Indented));
        Console.Error.WriteLine($"kept in {Path.GetRelativePath(Programs.Root, file)}");
    }

    private static string Figure(double value) => value.ToString(value < 100 ? "F1" : "F0", CultureInfo.InvariantCulture);
}
