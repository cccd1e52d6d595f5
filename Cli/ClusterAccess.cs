namespace OrleansCache.Cli;

/// <summary>Which cluster, and what its silos are shown.</summary>
/// <param name="Cluster">Gateway.</param>
/// <param name="SecretFile">File of the cluster secret.</param>
/// <param name="TlsCa">File of the authorities of the silos' certificates.</param>
/// <param name="TlsServerName">Name in the silos' certificates.</param>
internal sealed record ClusterAccess(string Cluster, string? SecretFile, string? TlsCa, string? TlsServerName)
{
    /// <summary>As flags, for another process of ours.</summary>
    public IEnumerable<string> Flags
    {
        get
        {
            foreach (var (flag, value) in new[]
            {
                ("--cluster", Cluster), ("--cluster-secret-file", SecretFile), ("--tls-ca", TlsCa), ("--tls-server-name", TlsServerName),
            })
            {
                if (value is not null)
                {
                    yield return flag;
                    yield return value;
                }
            }
        }
    }
}
