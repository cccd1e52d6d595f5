using System.Diagnostics;

namespace OrleansCache.BlockStore.Tests;

/// <summary>Programs that tests run, with a limit on time.</summary>
internal static class Processes
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Runs to the end; fails with what it said unless it exits with 0. Returns its output.</summary>
    public static string Run(string program, params string[] arguments)
    {
        var (code, output) = TryRun(program, arguments);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)} exited with {code}: {output}");
        return output;
    }

    public static (int Code, string Output) TryRun(string program, params string[] arguments)
    {
        using var process = Start(program, arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        Assert.True(process.WaitForExit(Limit), $"{program} did not end within {Limit}");
        return (process.ExitCode, output.Result + errors.Result);
    }

    /// <summary>Starts the helper program of tests/PowerCut.</summary>
    public static Process StartHelper(params string[] arguments) =>
        Start("dotnet", [Path.Combine(AppContext.BaseDirectory, "OrleansCache.PowerCut.dll"), .. arguments]);

    private static Process Start(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }
}
