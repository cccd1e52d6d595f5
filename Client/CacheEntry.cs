using System.Globalization;
using OrleansCache.Files;
using OrleansCache.Metadata;

namespace OrleansCache;

/// <summary>One place of the namespace: what <c>stat</c> says, its version and where it comes from.</summary>
public sealed record CacheEntry
{
    private CacheEntry()
    {
    }

    /// <summary>Absolute namespace path.</summary>
    public required string Path { get; init; }

    /// <summary>Last name of the path; empty for the root.</summary>
    public required string Name { get; init; }

    /// <summary>What it is.</summary>
    public required FileKind Kind { get; init; }

    /// <summary>Length in bytes.</summary>
    public required long LengthBytes { get; init; }

    /// <summary>The version of a file: its ETag, or length, mtime and ctime. Null for what is not a file.</summary>
    public required string? Version { get; init; }

    /// <summary>Names the version. Null for what is not a file.</summary>
    public required FileKey? Key { get; init; }

    /// <summary>Block size of a file. Null for what is not a file.</summary>
    public required int? BlockSizeBytes { get; init; }

    /// <summary>Where its source is attached; null above the sources.</summary>
    public required string? SourcePath { get; init; }

    /// <summary><c>st_mode</c>.</summary>
    public required uint Mode { get; init; }

    /// <summary>Owner.</summary>
    public required uint Uid { get; init; }

    /// <summary>Group.</summary>
    public required uint Gid { get; init; }

    /// <summary>Number of names.</summary>
    public required uint Links { get; init; }

    /// <summary>What a mount shows as <c>st_ino</c>.</summary>
    public required ulong InodeNumber { get; init; }

    /// <summary>mtime, nanoseconds since 1970.</summary>
    public required long ModifiedNs { get; init; }

    /// <summary>ctime, nanoseconds since 1970.</summary>
    public required long ChangedNs { get; init; }

    /// <summary>atime, nanoseconds since 1970.</summary>
    public required long AccessedNs { get; init; }

    /// <summary>When the content was changed last: <see cref="ModifiedNs"/> cut to what .NET can tell apart.</summary>
    public DateTimeOffset Modified => DateTimeOffset.UnixEpoch.AddTicks(ModifiedNs / TimeSpan.NanosecondsPerTick);

    /// <summary>Text of a version: the ETag where there is one, else <c>LENGTH-MODIFIED_NS-CHANGED_NS</c>.</summary>
    internal static string VersionText(FileVersion version) => version.ETag
        ?? string.Create(CultureInfo.InvariantCulture, $"{version.LengthBytes}-{version.ModifiedNs}-{version.ChangedNs}");

    internal static CacheEntry From(NodeEntry node)
    {
        var metadata = node.Entry.Metadata;
        var isFile = metadata.Kind == FileKind.File;
        return new CacheEntry
        {
            Path = node.Path,
            Name = node.Entry.Name,
            Kind = metadata.Kind,
            LengthBytes = metadata.Version.LengthBytes,
            Version = isFile ? VersionText(metadata.Version) : null,
            Key = isFile ? node.Entry.Key : null,
            BlockSizeBytes = isFile ? node.Entry.BlockSizeBytes : null,
            SourcePath = node.Source?.Path,
            Mode = metadata.Mode,
            Uid = metadata.Uid,
            Gid = metadata.Gid,
            Links = metadata.Links,
            InodeNumber = metadata.Id.InodeNumber,
            ModifiedNs = metadata.Version.ModifiedNs,
            ChangedNs = metadata.Version.ChangedNs,
            AccessedNs = metadata.AccessedNs,
        };
    }
}
