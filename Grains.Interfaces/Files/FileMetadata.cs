namespace OrleansCache.Files;

/// <summary>What <c>stat</c> says about an entry, with the version its bytes belong to.</summary>
[GenerateSerializer, Immutable, Alias("meta")]
public readonly record struct FileMetadata
{
    /// <summary>Identity that survives rename.</summary>
    [Id(0)] public required FileId Id { get; init; }

    /// <summary>File, directory, link or other.</summary>
    [Id(1)] public required FileKind Kind { get; init; }

    /// <summary>Length and times; the version of the content.</summary>
    [Id(2)] public required FileVersion Version { get; init; }

    /// <summary><c>st_mode</c>: type and permission bits as Linux has them.</summary>
    [Id(3)] public required uint Mode { get; init; }

    /// <summary>Owner.</summary>
    [Id(4)] public uint Uid { get; init; }

    /// <summary>Group.</summary>
    [Id(5)] public uint Gid { get; init; }

    /// <summary>Number of names.</summary>
    [Id(6)] public uint Links { get; init; }

    /// <summary>Last access in nanoseconds since 1970, as the under storage said.</summary>
    [Id(7)] public long AccessedNs { get; init; }

    /// <summary>Device number of a device file, as Linux encodes it for stat; else 0.</summary>
    [Id(8)] public ulong DeviceNumber { get; init; }
}
