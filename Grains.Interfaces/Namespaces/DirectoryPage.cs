using System.Collections.Immutable;
using OrleansCache.Files;

namespace OrleansCache.Namespaces;

/// <summary>One page of a directory: at most <see cref="MaxPageBytes"/> when serialized.</summary>
/// <param name="Status">Ok, StaleVersion (the directory is gone), AccessDenied or Unavailable.</param>
/// <param name="Entries">Entries in ordinal order of their names.</param>
/// <param name="IsLast">Whether the directory ends here.</param>
/// <param name="ListingVersion">Grows with every sync that changed something: pages of different versions are different listings.</param>
/// <param name="Lease">How long the page may be trusted.</param>
[GenerateSerializer, Immutable, Alias("dirpage")]
public sealed record DirectoryPage(
    [property: Id(0)] ReadStatus Status,
    [property: Id(1)] ImmutableArray<FileEntry> Entries,
    [property: Id(2)] bool IsLast,
    [property: Id(3)] long ListingVersion,
    [property: Id(4)] TimeSpan Lease)
{
    /// <summary>Grain messages over 64 KiB are refused; the rest is headroom for the envelope.</summary>
    public const int MaxPageBytes = 48 * 1024;
}
