using System.Diagnostics;

namespace OrleansCache.LocalCluster;

/// <summary>Runs a program to its end.</summary>
public static class Command
{
    /// <summary>Runs it; kills it when the time is over.</summary>
    /// <param name="program">Program.</param>
    /// <param name="arguments">Arguments.</param>
    /// <param name="timeout">Longest time, three minutes by default: machines are busy, hangs are longer.</param>
    /// <param name="folder">Working folder.</param>
    /// <param name="cancellationToken">Kills it, too.</param>
    /// <exception cref="TimeoutException">It ran longer than allowed.</exception>
    public static async Task<CommandResult> RunAsync(
        string program, IEnumerable<string> arguments, TimeSpan? timeout = null, string? folder = null,
        CancellationToken cancellationToken = default)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = folder ?? string.Empty,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start) ?? throw new InvalidOperationException($"cannot start {program}");
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout ?? TimeSpan.FromMinutes(3));
        try
        {
            await process.WaitForExitAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            throw new TimeoutException($"{program} {string.Join(' ', start.ArgumentList)} did not end in time");
        }

        return new CommandResult(
            process.ExitCode, await output.ConfigureAwait(false), await error.ConfigureAwait(false));
    }

    /// <summary>Runs <c>ocache</c> against a silo.</summary>
    public static Task<CommandResult> OcacheAsync(
        LocalSilo silo, IEnumerable<string> arguments, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        RunAsync(Programs.Ocache, ["--cluster", silo.Cluster, .. arguments], timeout, null, cancellationToken);
}
