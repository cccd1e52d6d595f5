namespace OrleansCache.Silo.Configuration;

/// <summary>
/// One thing a user can set: as <c>--name</c>, as environment variable <c>OCACHE_NAME</c> or as a member of the config file.
/// The first of these that is there counts. docs/CONFIGURATION.md has a row for each; a test compares.
/// </summary>
/// <param name="Name">Name of the flag without dashes, and of the member in the file.</param>
/// <param name="ValueName">What the help calls the value.</param>
/// <param name="Default">Default as text; empty when it depends on the machine.</param>
/// <param name="Description">One sentence for the help.</param>
/// <param name="IsList">May be given several times; in the environment with <c>;</c> between, in the file as an array.</param>
internal sealed record Setting(string Name, string ValueName, string Default, string Description, bool IsList = false)
{
    /// <summary>Between the items of a list, wherever they came from: no directory we know of has it in its name.</summary>
    public const char ListSeparator = '\n';

    public static readonly Setting DataDir = new("data-dir", "DIR", "",
        "Grain state, sealing key and Unix socket; created if its parent exists. Default: /var/lib/ocache as root, else ~/.local/share/ocache.");

    public static readonly Setting Tier = new("tier", "NAME=DIR:SIZE", "",
        "Directory for cached blocks and its capacity. NAME is memory, nvme, ssd or hdd. May be given once a disk. "
        + "Default: nvme=<data-dir>/nvme:10GiB, less if the disk has less.",
        IsList: true);

    public static readonly Setting ScrubRate = new("scrub-rate", "SIZE", "20MiB",
        "Bytes a second that are read on each disk to find blocks that went bad. 0 turns it off.");

    public static readonly Setting PackedMax = new("packed-max", "SIZE", "64KiB",
        "Files of at most this size are packed with others in large files, from now on. 0 gives each a file of its own.");

    public static readonly Setting SiloPort = new("silo-port", "PORT", "11111", "Silos among themselves. 0 picks a free port.");

    public static readonly Setting GatewayPort = new("gateway-port", "PORT", "30000",
        "Clients: 'ocache --cluster HOST:PORT'. 0 picks a free port.");

    public static readonly Setting DataPort = new("data-port", "PORT", "30010", "Blocks over TCP. 0 picks a free port.");

    public static readonly Setting HttpPort = new("http-port", "PORT", "30080",
        "GET /healthz, /readyz and /metrics. 0 picks a free port.");

    public static readonly Setting Listen = new("listen", "ADDRESS", "127.0.0.1",
        "Address all ports listen on. Only loopback addresses, until all of them ask for the cluster secret.");

    public static readonly Setting ClusterSecretFile = new("cluster-secret-file", "FILE", "",
        "Secret that readers of blocks must know, at least 32 bytes: 'openssl rand -hex 32'. Default: none.");

    public static readonly Setting TlsCert = new("tls-cert", "FILE", "",
        "Certificate (PEM, those that lead to its authority behind it): the data port speaks TLS 1.3. Read again when it changes.");

    public static readonly Setting TlsKey = new("tls-key", "FILE", "", "Private key of --tls-cert (PEM, unencrypted).");

    public static readonly Setting SiloName = new("name", "NAME", "",
        "Name of this silo, the same after a restart. Default: the host's name.");

    public static readonly Setting MemoryLimit = new("memory-limit", "SIZE", "512MiB",
        "Memory this process may use; less if the machine or the container has less.");

    public static readonly Setting FillConcurrency = new("fill-concurrency", "N", "32",
        "Blocks read from the under storage at the same time.");

    public static readonly Setting UnderStorageTimeout = new("under-storage-timeout", "SECONDS", "30",
        "An under storage that gives no byte for this long is down.");

    public static readonly Setting LogLevel = new("log-level", "LEVEL", "warning",
        "Least severe log lines shown on stderr: debug, information, warning or error.");

    public static readonly Setting Config = new("config", "FILE", "",
        "JSON file with these settings by name, for example {\"http-port\": 30080}. Flags and environment win over it.");

    /// <summary>All of them, in the order of the help.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        DataDir, Tier, ScrubRate, PackedMax, SiloPort, GatewayPort, DataPort, HttpPort, Listen, ClusterSecretFile, TlsCert, TlsKey,
        SiloName, MemoryLimit, FillConcurrency, UnderStorageTimeout, LogLevel, Config,
    ];

    /// <summary>The flag.</summary>
    public string Flag => $"--{Name}";

    /// <summary>The environment variable.</summary>
    public string Variable => "OCACHE_" + Name.Replace('-', '_').ToUpperInvariant();
}
