using System.CommandLine;
using OrleansCache.Cli.Output;

namespace OrleansCache.Cli;

/// <summary>What a running command has.</summary>
/// <param name="Arguments">Parsed arguments.</param>
/// <param name="Access">The cluster.</param>
/// <param name="IsJson">Whether JSON was asked for.</param>
/// <param name="Stop">Ctrl-C.</param>
internal sealed record CommandContext(ParseResult Arguments, ClusterAccess Access, bool IsJson, CancellationToken Stop)
{
    /// <summary>Standard output of this process.</summary>
    public StandardOutput Output { get; } = new();

    /// <summary>Connects to the cluster; a command looks once, so it listens to no changes.</summary>
    public Task<CacheClient> ConnectAsync() =>
        CacheClient.ConnectAsync(
            new CacheClientOptions
            {
                Cluster = Access.Cluster,
                ClusterSecretFile = Access.SecretFile,
                TlsCaFile = Access.TlsCa,
                TlsServerName = Access.TlsServerName,
                FollowsChanges = false,
            },
            Stop);
}
