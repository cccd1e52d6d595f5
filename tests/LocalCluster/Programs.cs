namespace OrleansCache.LocalCluster;

/// <summary>Finds the programs this repository built.</summary>
public static class Programs
{
    /// <summary>The repository's root folder.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The <c>silo</c> program.</summary>
    public static string Silo => Path.Combine(Root, "artifacts", "bin", "Silo", Configuration, "silo");

    /// <summary>The <c>ocache</c> program.</summary>
    public static string Ocache => Path.Combine(Root, "artifacts", "bin", "Cli", Configuration, "ocache");

    /// <summary>The null FUSE server of the benchmarks.</summary>
    public static string NullFuse => Path.Combine(Root, "artifacts", "bin", "NullFuse", Configuration, "OrleansCache.NullFuse");

    private static string Configuration =>
        AppContext.BaseDirectory.Contains("/debug", StringComparison.OrdinalIgnoreCase) ? "debug" : "release";

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "OrleansCache.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"no OrleansCache.sln above {AppContext.BaseDirectory}: run from a checkout");
    }
}
