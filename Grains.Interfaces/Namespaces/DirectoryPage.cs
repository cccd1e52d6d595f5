using System.Collections.Immutable;
using OrleansCache.Files;

namespace OrleansCache.Namespaces;

/// <summary>One page of a directory: at most <see cref="MaxPageBytes"/> when serialized.</summary>
/// <param name="Status">Ok, StaleVersion (the directory is gone), AccessDenied or Unavailable.</param>
/// <param name="Entries">Entries in the order of their places: names as UTF-8 bytes, directories as if their name ended in a slash.</param>
/// <param name="Next">
/// What <see cref="IDirectoryGrain.List"/> takes for the page after this one: a place in the directory that stays one however the
/// directory changes. Null when this is the last; a page with a next one has entries.
/// </param>
/// <param name="ListingVersion">Grows with every sync that changed something: pages of different versions are different listings.</param>
/// <param name="Lease">How long the page may be trusted.</param>
[GenerateSerializer, Immutable, Alias("dirpage")]
public sealed record DirectoryPage(
    [property: Id(0)] ReadStatus Status,
    [property: Id(1)] ImmutableArray<FileEntry> Entries,
    [property: Id(2)] string? Next,
    [property: Id(3)] long ListingVersion,
    [property: Id(4)] TimeSpan Lease)
{
    /// <summary>Whether the directory ends here.</summary>
    public bool IsLast => Next is null;

    /// <summary>
    /// Keys of the under storage in this directory that no path can name (docs/SEMANTICS.md): at most <see cref="MaxUnreachable"/> of
    /// them, on the last page only.
    /// </summary>
    [Id(5)] public ImmutableArray<string> Unreachable { get; init; } = [];

    /// <summary>How many of all the unreachable keys are named.</summary>
    public const int MaxUnreachable = 16;

    /// <summary>Grain messages over 64 KiB are refused; the rest is headroom for the envelope.</summary>
    public const int MaxPageBytes = 48 * 1024;
}
