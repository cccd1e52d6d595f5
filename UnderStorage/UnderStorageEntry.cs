using OrleansCache.Files;

namespace OrleansCache.UnderStorage;

/// <summary>One entry of a listing.</summary>
/// <param name="Name">Name, in the mapping of <see cref="EntryName"/>.</param>
/// <param name="Metadata">Attributes; links are not followed.</param>
public readonly record struct UnderStorageEntry(string Name, FileMetadata Metadata);
