namespace OrleansCache.Files;

/// <summary>What the under storage says about one path right now.</summary>
/// <param name="Status">Ok, NotFound, AccessDenied, StaleVersion (another file has the name now) or Unavailable.</param>
/// <param name="Entry">The entry, when Ok.</param>
[GenerateSerializer, Immutable, Alias("fstatus")]
public sealed record FileStatus([property: Id(0)] ReadStatus Status, [property: Id(1)] FileEntry? Entry);
