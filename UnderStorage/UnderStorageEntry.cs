using OrleansCache.Files;

namespace OrleansCache.UnderStorage;

/// <summary>One entry of a listing.</summary>
/// <param name="Name">Name, in the mapping of <see cref="EntryName"/>.</param>
/// <param name="Metadata">Attributes; links are not followed.</param>
/// <param name="Position">
/// Place in the order of a store that lists in order (<see cref="IUnderStorage.ListsInOrder"/>), compared byte by byte as UTF-8;
/// unique in its directory. Null = <see cref="PositionOf(string, FileKind)"/>.
/// </param>
public readonly record struct UnderStorageEntry(string Name, FileMetadata Metadata, string? Position = null)
{
    /// <summary>Where an entry stands unless its store says otherwise: where S3 lists it, so a directory's name ends in a slash.</summary>
    public static string PositionOf(string name, FileKind kind) => kind == FileKind.Directory ? name + "/" : name;

    /// <summary>Where this entry stands.</summary>
    public string PositionInDirectory => Position ?? PositionOf(Name, Metadata.Kind);
}
