namespace OrleansCache.Files;

/// <summary>
/// One immutable content of a file. Directory source: size, mtime and ctime in nanoseconds; S3: the ETag (with size).
/// Two observations with equal values are the same version only when they are also proven (DESIGN §5: mtime near the
/// moment of observation is never proof); the driver's read does that proving.
/// </summary>
/// <param name="LengthBytes">Length of the content.</param>
/// <param name="ModifiedNs">mtime in nanoseconds since 1970.</param>
/// <param name="ChangedNs">ctime in nanoseconds since 1970; 0 where the store has none.</param>
/// <param name="ETag">The store's entity tag, or null where it has none.</param>
[GenerateSerializer, Immutable, Alias("ver")]
public readonly record struct FileVersion(
    [property: Id(0)] long LengthBytes,
    [property: Id(1)] long ModifiedNs,
    [property: Id(2)] long ChangedNs,
    [property: Id(3)] string? ETag);
