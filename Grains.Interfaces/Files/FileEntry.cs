namespace OrleansCache.Files;

/// <summary>One entry of a directory as clients see it: attributes, key and, for files, a sealed right to read.</summary>
[GenerateSerializer, Immutable, Alias("entry")]
public sealed record FileEntry
{
    /// <summary>Name in its directory, in the mapping of <see cref="EntryName"/>.</summary>
    [Id(0)] public required string Name { get; init; }

    /// <summary>Attributes and version.</summary>
    [Id(1)] public required FileMetadata Metadata { get; init; }

    /// <summary>Key of the current version; default for what is not a file.</summary>
    [Id(2)] public FileKey Key { get; init; }

    /// <summary>Block size of the source.</summary>
    [Id(3)] public int BlockSizeBytes { get; init; }

    /// <summary>Seal over the <see cref="ReadCapability"/> the client builds from this entry; default for what is not a file.</summary>
    [Id(4)] public CapabilitySeal Seal { get; init; }
}
