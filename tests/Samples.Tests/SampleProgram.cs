using OrleansCache.LocalCluster;

namespace OrleansCache.Samples.Tests;

/// <summary>Runs the programs of samples/ and shell lines of a README.</summary>
internal static class SampleProgram
{
    private static string Configuration => new DirectoryInfo(AppContext.BaseDirectory).Name;

    /// <summary>Runs a sample against a silo.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="name">Name of the sample.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="outputFile">Gets standard output when it is bytes; null: it is text, in the result.</param>
    internal static Task<CommandResult> RunAsync(LocalSilo silo, string name, string[] arguments, string? outputFile = null)
    {
        var program = Path.Combine(Programs.Root, "artifacts", "bin", name, Configuration, name);
        var script = outputFile is null ? """exec "$@" """ : $"""exec "$@" > '{outputFile}'""";
        return ShellAsync(script, [program, .. arguments], new() { ["OCACHE_CLUSTER"] = silo.Cluster });
    }

    /// <summary>Runs a script with bash, which stops at the first line that fails.</summary>
    internal static Task<CommandResult> ShellAsync(
        string script, string[] arguments, Dictionary<string, string> environment, string? folder = null) =>
        Command.RunAsync(
            "env",
            [.. environment.Select(pair => $"{pair.Key}={pair.Value}"), "bash", "-euc", script, "script", .. arguments],
            folder: folder);
}
