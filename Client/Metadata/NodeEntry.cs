using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.Metadata;

/// <summary>
/// One place of the namespace as the client last saw it. Immutable; a change is a new object. Directories above and between
/// the attached sources have no source: they are made by the client from the namespace's table.
/// </summary>
/// <param name="Path">Absolute namespace path, <c>/</c> for the root.</param>
/// <param name="Source">The source it lies in, or null for a directory of the namespace itself.</param>
/// <param name="SourcePath">Path inside the source, empty for its root.</param>
/// <param name="Entry">Attributes; its name is the last segment of the path.</param>
internal sealed record NodeEntry(string Path, SourceInfo? Source, string SourcePath, FileEntry Entry)
{
    /// <summary>What it is.</summary>
    public FileKind Kind => Entry.Metadata.Kind;

    /// <summary>Length of a file.</summary>
    public long LengthBytes => Entry.Metadata.Version.LengthBytes;
}
