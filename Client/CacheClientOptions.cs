using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Groups;
using OrleansCache.Routing;

namespace OrleansCache;

/// <summary>How a <see cref="CacheClient"/> finds its cluster, and its bounds. Checked when the client is made.</summary>
public sealed class CacheClientOptions
{
    /// <summary>Gateway of a silo, <c>HOST:PORT</c>.</summary>
    [Gateway]
    public string Cluster { get; init; } = "127.0.0.1:30000";

    /// <summary>Name of the cluster; a gateway of another cluster refuses us.</summary>
    [Required(AllowEmptyStrings = false)]
    public string ClusterId { get; init; } = ClusterIdentity.DefaultClusterId;

    /// <summary>Cache group this client reads from.</summary>
    [Required(AllowEmptyStrings = false)]
    public string Group { get; init; } = ICacheGroupGrain.DefaultGroup;

    /// <summary>File of the secret that silos and clients share; needed when the silos have one.</summary>
    public string? ClusterSecretFile { get; init; }

    /// <summary>
    /// Authorities (PEM) of the silos' certificates: blocks come over TLS 1.3 then, but for the Unix socket. Read again when it changes.
    /// </summary>
    public string? TlsCaFile { get; init; }

    /// <summary>Name in the silos' certificates when it is not the address that is connected to.</summary>
    public string? TlsServerName { get; init; }

    /// <summary>How long connecting may take: long enough for a silo that is just starting, short enough for a person.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00", ConvertValueInInvariantCulture = true, ParseLimitsInInvariantCulture = true)]
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a read, an open or a lookup waits for silos: a silo's restart is a pause within it.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00", ConvertValueInInvariantCulture = true, ParseLimitsInInvariantCulture = true)]
    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a change (attach, detach) waits. It is sent once.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00", ConvertValueInInvariantCulture = true, ParseLimitsInInvariantCulture = true)]
    public TimeSpan ChangeTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Names kept in the metadata cache, known missing ones too: one big directory and what is around it.</summary>
    [Range(100, 10_000_000)]
    public int MetadataEntries { get; init; } = 200_000;

    /// <summary>Estimated memory of the metadata cache: an eighth of a process's default budget of 512 MiB.</summary>
    [Range(1 << 20, 1L << 36)]
    public long MetadataBytes { get; init; } = 64L << 20;

    /// <summary>
    /// Whether the client listens to changes of the sources it looks at, so that it sees them before its leases end. A program that
    /// looks once and ends has no use for it.
    /// </summary>
    public bool FollowsChanges { get; init; } = true;

    /// <summary>
    /// Leased descriptors at a time, at most half of what the process may open. More readers go through the data plane.
    /// </summary>
    [Range(0, 1_000_000)]
    public int MaxLeases { get; init; } = 8192;

    /// <summary>
    /// Leased descriptors kept for files nobody reads now, for two seconds at most, so that programs that open a file several times in a
    /// row lease it once. What is leased is not evicted: longer would take the choice from the silo.
    /// </summary>
    [Range(0, 100_000)]
    public int MaxIdleLeases { get; init; } = 1024;

    /// <summary>Readahead asked for and not yet used, all files together. The bytes wait on the silo's disk, not in this process.</summary>
    [Range(0, 1L << 40)]
    public long ReadaheadBudgetBytes { get; init; } = 512L << 20;

    /// <summary>
    /// Largest readahead of one sequence of reads, of which a file may have eight: 64 MiB is 60 ms of a 1 GB/s under storage; 0
    /// turns readahead off.
    /// </summary>
    [Range(0, 1L << 32)]
    public long MaxReadaheadBytes { get; init; } = 64L << 20;

    /// <summary>
    /// Memory of files that <see cref="CacheClient.ReadManyAsync(IEnumerable{string}, CancellationToken)"/> has read and not handed over
    /// yet, all calls together: 64 MiB is 30 ms of 2 GB/s. A call may always have one file beyond it. Buffers up to as much are kept for
    /// the next call.
    /// </summary>
    [Range(1 << 20, 1L << 40)]
    public long ReadManyBudgetBytes { get; init; } = 64L << 20;

    /// <summary>
    /// Whether the small files (up to 1 MiB) that follow in a directory's listing are fetched ahead once several of it were read
    /// cold within seconds.
    /// </summary>
    public bool PrefetchesDirectories { get; init; } = true;

    /// <summary>How often reads from leased descriptors are told to the silo.</summary>
    [Range(typeof(TimeSpan), "00:00:00.01", "00:01:00", ConvertValueInInvariantCulture = true, ParseLimitsInInvariantCulture = true)]
    public TimeSpan UsageInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Where the client logs; null for nowhere. With dependency injection the host's is used.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>Clock and timers.</summary>
    [Required]
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal void Validate()
    {
        OptionChecks.Validate(this);
        if (TlsServerName is not null && TlsCaFile is null)
        {
            throw new ArgumentException("CacheClientOptions.TlsServerName is of use with TlsCaFile only: name the authorities, too");
        }

        _ = SiloAccess.Load(this, NullLoggerFactory.Instance);
    }
}
