using OrleansCache.Files;

namespace OrleansCache.Namespaces;

/// <summary>Answer to a lookup.</summary>
/// <param name="Status">Ok, NotFound (leased, too), StaleVersion (the directory itself is gone), AccessDenied or Unavailable.</param>
/// <param name="Entry">The entry, when Ok.</param>
/// <param name="Lease">How long the answer may be trusted; zero = this once.</param>
[GenerateSerializer, Immutable, Alias("lookup")]
public sealed record LookupResult(
    [property: Id(0)] ReadStatus Status, [property: Id(1)] FileEntry? Entry, [property: Id(2)] TimeSpan Lease);
