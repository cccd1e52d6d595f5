using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace OrleansCache.Bench.Store;

/// <summary>fio on one file: the yardstick of the store's own figures.</summary>
internal static class Fio
{
    internal static bool IsThere => File.Exists("/usr/bin/fio");

    /// <summary>MiB per second over all jobs.</summary>
    internal static async Task<double> RunAsync(
        string path, string pattern, int requestBytes, CancellationToken cancellationToken, params string[] more)
    {
        string[] arguments =
        [
            "--name=bench", $"--filename={path}", $"--rw={pattern}", Number("--bs", requestBytes),
            "--invalidate=0", "--group_reporting", "--thread", "--output-format=json", .. more,
        ];
        var start = new ProcessStartInfo("fio", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var fio = Process.Start(start)!;
        var errors = fio.StandardError.ReadToEndAsync(cancellationToken);
        var said = await fio.StandardOutput.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
        await fio.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        if (fio.ExitCode != 0)
        {
            throw new InvalidOperationException($"fio {string.Join(' ', arguments)} ended with {fio.ExitCode}: {await errors.ConfigureAwait(false)}");
        }

        using var json = JsonDocument.Parse(said[said.IndexOf('{', StringComparison.Ordinal)..]);
        var job = json.RootElement.GetProperty("jobs")[0].GetProperty(pattern.EndsWith("write", StringComparison.Ordinal) ? "write" : "read");
        return job.GetProperty("bw_bytes").GetInt64() / (1024.0 * 1024.0);
    }

    internal static string Number(string name, long value) => string.Create(CultureInfo.InvariantCulture, $"{name}={value}");
}
