using System.Diagnostics;
using OrleansCache.LocalCluster;

namespace OrleansCache.Tidy.Tests;

/// <summary>The files of the repository, as git knows them.</summary>
internal static class SourceFiles
{
    private static readonly Lazy<IReadOnlyList<string>> Listed = new(List);

    /// <summary>Paths of all C# files relative to the root.</summary>
    internal static IEnumerable<string> CSharp => Listed.Value.Where(path => path.EndsWith(".cs", StringComparison.Ordinal));

    /// <summary>C# files that are not tests or benchmarks.</summary>
    internal static IEnumerable<string> Product => CSharp.Where(path =>
        !path.StartsWith("tests/", StringComparison.Ordinal) && !path.StartsWith("bench/", StringComparison.Ordinal));

    /// <summary>Paths of everything tracked or new and not ignored.</summary>
    internal static IEnumerable<string> All => Listed.Value;

    /// <summary>Lines of a file.</summary>
    internal static string[] Lines(string path) => File.ReadAllLines(Path.Combine(Programs.Root, path));

    private static List<string> List()
    {
        var start = new ProcessStartInfo("git", ["-C", Programs.Root, "ls-files", "--cached", "--others", "--exclude-standard"])
        {
            RedirectStandardOutput = true,
        };
        using var git = Process.Start(start)!;
        var paths = git.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        git.WaitForExit();
        Assert.Equal(0, git.ExitCode);
        return [.. paths.Where(path => File.Exists(Path.Combine(Programs.Root, path)))];
    }
}
