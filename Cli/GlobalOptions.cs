using System.CommandLine;

namespace OrleansCache.Cli;

/// <summary>Options every command has.</summary>
/// <param name="stop">Ctrl-C.</param>
internal sealed class GlobalOptions(CancellationToken stop)
{
    /// <summary>Names the gateway when the flag does not.</summary>
    public const string ClusterVariable = "OCACHE_CLUSTER";

    /// <summary>Ctrl-C.</summary>
    public CancellationToken Stop { get; } = stop;

    /// <summary><c>--cluster</c>.</summary>
    public Option<string> Cluster { get; } = new("--cluster")
    {
        Description = $"A silo's gateway (default: ${ClusterVariable}, else 127.0.0.1:30000)",
        HelpName = "HOST:PORT",
        Recursive = true,
        DefaultValueFactory = static _ =>
            Environment.GetEnvironmentVariable(ClusterVariable) is { Length: > 0 } set ? set : "127.0.0.1:30000",
    };

    /// <summary><c>--json</c>.</summary>
    public Option<bool> Json { get; } = new("--json")
    {
        Description = "Print JSON (docs/CONTRACT.md); errors, too, on stderr",
        Recursive = true,
    };
}
