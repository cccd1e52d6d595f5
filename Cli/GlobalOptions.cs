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

    /// <summary><c>--cluster-secret-file</c>.</summary>
    public Option<string?> SecretFile { get; } = File(
        "--cluster-secret-file", "FILE", "The secret the silos were started with", "OCACHE_CLUSTER_SECRET_FILE");

    /// <summary><c>--tls-ca</c>.</summary>
    public Option<string?> TlsCa { get; } = File(
        "--tls-ca", "FILE", "Authorities (PEM) of the silos' certificates: blocks over TLS", "OCACHE_TLS_CA");

    /// <summary><c>--tls-server-name</c>.</summary>
    public Option<string?> TlsServerName { get; } = Text(
        "--tls-server-name", "NAME", "Name in the silos' certificates, if not their address", "OCACHE_TLS_SERVER_NAME", static name => name);

    /// <summary><c>--json</c>.</summary>
    public Option<bool> Json { get; } = new("--json")
    {
        Description = "Print JSON (docs/CONTRACT.md); errors, too, on stderr",
        Recursive = true,
    };

    /// <summary>What a command line says of the cluster.</summary>
    public ClusterAccess AccessFrom(ParseResult arguments) => new(
        arguments.GetRequiredValue(Cluster), arguments.GetValue(SecretFile), arguments.GetValue(TlsCa), arguments.GetValue(TlsServerName));

    // A mount's daemon has another working directory.
    private static Option<string?> File(string name, string value, string description, string variable) =>
        Text(name, value, description, variable, Path.GetFullPath);

    private static Option<string?> Text(string name, string value, string description, string variable, Func<string, string> read) => new(name)
    {
        Description = $"{description} (default: ${variable})",
        HelpName = value,
        Recursive = true,
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } set ? read(set) : null,
        CustomParser = given =>
        {
            if (given.Tokens is [{ Value.Length: > 0 } token])
            {
                return read(token.Value);
            }

            given.AddError($"{name} wants one {value}");
            return null;
        },
    };
}
