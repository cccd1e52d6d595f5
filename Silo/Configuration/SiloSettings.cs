using System.Net;
using OrleansCache.BlockStore;
using OrleansCache.DataPlane.Wires;

namespace OrleansCache.Silo.Configuration;

/// <summary>What a silo runs with, checked as far as that goes without touching the machine.</summary>
internal sealed record SiloSettings
{
    /// <summary>512 MiB: a silo beside a training job must not be noticed; bounded pools follow from it.</summary>
    public const long DefaultMemoryLimitBytes = 512L << 20;

    public required string DataDirectory { get; init; }

    /// <summary>Nobody named it: missing parents are made.</summary>
    public bool IsDefaultDataDirectory { get; init; }

    /// <summary>The disks, at least one.</summary>
    public required IReadOnlyList<TierSpec> Tiers { get; init; }

    /// <summary>What is read on each disk a second to find bad blocks; 0: nothing.</summary>
    public long ScrubBytesPerSecond { get; init; } = 20L << 20;

    /// <summary>Files of at most this length are packed in log segments; 0: none.</summary>
    public int PackedMaxBytes { get; init; } = 64 << 10;

    public required IPAddress Listen { get; init; }

    public required int SiloPort { get; init; }

    public required int GatewayPort { get; init; }

    public required int DataPort { get; init; }

    public required int HttpPort { get; init; }

    /// <summary>What readers of blocks must know; null: nothing.</summary>
    public string? ClusterSecretFile { get; init; }

    /// <summary>Makes the data port speak TLS.</summary>
    public TlsCertificateFiles? Certificate { get; init; }

    public required string Name { get; init; }

    public long MemoryLimitBytes { get; init; } = DefaultMemoryLimitBytes;

    public int FillConcurrency { get; init; } = 32;

    public TimeSpan UnderStorageTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public LogLevel LogLevel { get; init; } = LogLevel.Warning;

    /// <summary>The ports with the settings they came from.</summary>
    public IEnumerable<(Setting Setting, int Port)> Ports =>
    [
        (Setting.SiloPort, SiloPort), (Setting.GatewayPort, GatewayPort), (Setting.DataPort, DataPort), (Setting.HttpPort, HttpPort),
    ];

    /// <summary>Reads and checks all settings; the first that is wrong ends it.</summary>
    /// <exception cref="SiloStartException">Bad usage.</exception>
    public static SiloSettings From(SettingValues values)
    {
        var dataDirectory = ReadDataDirectory(values);
        var settings = new SiloSettings
        {
            DataDirectory = dataDirectory,
            IsDefaultDataDirectory = !values.TryGet(Setting.DataDir, out _, out _),
            Tiers = values.TryGet(Setting.Tier, out var tiers, out var origin)
                ? TierSpec.ParseAll(tiers, origin)
                : [new TierSpec(TierMedium.Nvme, Path.Combine(dataDirectory, "nvme"), 10L << 30, IsDefault: true)],
            ScrubBytesPerSecond = values.GetBytes(Setting.ScrubRate, 0, 1L << 40),
            PackedMaxBytes = (int)values.GetBytes(Setting.PackedMax, 0, 1L << 20),
            Listen = ReadListen(values),
            SiloPort = values.GetInt32(Setting.SiloPort, 0, ushort.MaxValue),
            GatewayPort = values.GetInt32(Setting.GatewayPort, 0, ushort.MaxValue),
            DataPort = values.GetInt32(Setting.DataPort, 0, ushort.MaxValue),
            HttpPort = values.GetInt32(Setting.HttpPort, 0, ushort.MaxValue),
            ClusterSecretFile = ReadFile(values, Setting.ClusterSecretFile),
            Certificate = ReadCertificate(values),
            Name = ReadName(values),
            MemoryLimitBytes = values.GetBytes(Setting.MemoryLimit, 192L << 20, 1L << 40),
            FillConcurrency = values.GetInt32(Setting.FillConcurrency, 1, 256),
            UnderStorageTimeout = TimeSpan.FromSeconds(values.GetInt32(Setting.UnderStorageTimeout, 1, 600)),
            LogLevel = ReadLogLevel(values),
        };
        foreach (var same in settings.Ports.Where(port => port.Port != 0).GroupBy(port => port.Port))
        {
            if (same.Count() > 1)
            {
                throw SiloStartException.Usage(
                    $"{string.Join(" and ", same.Select(port => port.Setting.Flag))} are both {same.Key}; give each its own port");
            }
        }

        return settings;
    }

    private static string ReadDataDirectory(SettingValues values)
    {
        if (values.TryGet(Setting.DataDir, out var text, out var origin))
        {
            return text.Length > 0
                ? Path.GetFullPath(text)
                : throw SiloStartException.Usage($"{origin} is empty; name a directory");
        }

        if (Environment.IsPrivilegedProcess)
        {
            return "/var/lib/ocache";
        }

        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return home.Length > 0
            ? Path.Combine(home, ".local/share/ocache")
            : throw SiloStartException.Usage("no home directory is known; say where state goes with --data-dir DIR");
    }

    private static IPAddress ReadListen(SettingValues values)
    {
        values.TryGet(Setting.Listen, out var text, out var origin);
        var parsed = text == "localhost" ? IPAddress.Loopback : IPAddress.TryParse(text, out var address) ? address : null;
        if (parsed is null)
        {
            throw SiloStartException.Usage($"{origin} '{text}' is not an IP address; use 127.0.0.1");
        }

        return IPAddress.IsLoopback(parsed)
            ? parsed
            : throw SiloStartException.Usage(
                $"{origin} {text} would let other machines in, and only the data port can keep strangers out yet; use 127.0.0.1");
    }

    private static string? ReadFile(SettingValues values, Setting setting) =>
        !values.TryGet(setting, out var text, out var origin) ? null
        : text.Length > 0 ? Path.GetFullPath(text)
        : throw SiloStartException.Usage($"{origin} is empty; name a file");

    private static TlsCertificateFiles? ReadCertificate(SettingValues values) =>
        (ReadFile(values, Setting.TlsCert), ReadFile(values, Setting.TlsKey)) switch
        {
            (null, null) => null,
            ({ } certificate, { } key) => new TlsCertificateFiles(certificate, key),
            _ => throw SiloStartException.Usage($"{Setting.TlsCert.Flag} and {Setting.TlsKey.Flag} belong together; give both or none"),
        };

    private static string ReadName(SettingValues values)
    {
        if (!values.TryGet(Setting.SiloName, out var name, out var origin))
        {
            return Environment.MachineName.ToLowerInvariant();
        }

        return name.Length is > 0 and <= 63 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
            ? name
            : throw SiloStartException.Usage(
                $"{origin} '{name}' is not a name; use 1 to 63 letters, digits, '-', '_' or '.'");
    }

    private static LogLevel ReadLogLevel(SettingValues values)
    {
        values.TryGet(Setting.LogLevel, out var text, out var origin);
        return text.ToLowerInvariant() switch
        {
            "debug" => LogLevel.Debug,
            "information" => LogLevel.Information,
            "warning" => LogLevel.Warning,
            "error" => LogLevel.Error,
            _ => throw SiloStartException.Usage(
                $"{origin} '{text}' is not a level; use debug, information, warning or error"),
        };
    }
}
