using OrleansCache.Files;

namespace OrleansCache.Grains.Listings;

/// <summary>When attributes count as changed.</summary>
public static class Attributes
{
    /// <summary>Whether nobody could tell one from the other: a read of a file changes its access time. Null = no such name.</summary>
    public static bool LookTheSame(FileMetadata? one, FileMetadata? other) => one is { } first && other is { } second
        ? first with { AccessedNs = 0 } == second with { AccessedNs = 0 }
        : one is null && other is null;
}
