using System.Diagnostics;
using System.Globalization;

namespace OrleansCache.Bench.S3;

/// <summary>What a child process measured: it reads in a process of its own, so that its CPU time is its own.</summary>
/// <param name="MibPerSecond">Throughput.</param>
/// <param name="CpuSeconds">CPU time of the child while it read.</param>
internal readonly record struct ChildRun(double MibPerSecond, double CpuSeconds)
{
    /// <summary>Runs this program in another role.</summary>
    internal static async Task<ChildRun> StartAsync(
        IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, arguments) { RedirectStandardOutput = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var child = Process.Start(start)!;
        var said = await child.StandardOutput.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
        await child.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        var figures = said.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return child.ExitCode == 0 && figures.Length == 2
            ? new ChildRun(double.Parse(figures[0], CultureInfo.InvariantCulture), double.Parse(figures[1], CultureInfo.InvariantCulture))
            : throw new InvalidOperationException($"{string.Join(' ', arguments)} ended with {child.ExitCode}: {said}");
    }

    /// <summary>Measures in the child.</summary>
    internal static async Task<int> MeasureAsync(Func<Task<long>> read)
    {
        var (clock, cpu) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        var bytes = await read().ConfigureAwait(false);
        var run = new ChildRun(bytes / (1024.0 * 1024.0) / clock.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{run.MibPerSecond:F2} {run.CpuSeconds:F3}"));
        return 0;
    }
}
