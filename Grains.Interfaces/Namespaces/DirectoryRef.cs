using OrleansCache.Files;

namespace OrleansCache.Namespaces;

/// <summary>A directory as its clients name it: where it was seen, and which one it was.</summary>
/// <param name="Source">The source.</param>
/// <param name="Path">Path inside the source without leading or trailing slash; empty for the root.</param>
/// <param name="Id">Identity; a directory of another identity at that path is another directory.</param>
[GenerateSerializer, Immutable, Alias("dirref")]
public readonly record struct DirectoryRef(
    [property: Id(0)] SourceId Source, [property: Id(1)] string Path, [property: Id(2)] FileId Id)
{
    /// <summary>Key of its <see cref="IDirectoryGrain"/>.</summary>
    public string GrainKey => $"{Source}/{Id}";

    /// <summary>Path of an entry inside the source.</summary>
    public string PathOf(string name) => Path.Length == 0 ? name : $"{Path}/{name}";
}
