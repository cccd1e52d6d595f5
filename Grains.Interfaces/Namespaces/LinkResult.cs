using OrleansCache.Files;

namespace OrleansCache.Namespaces;

/// <summary>Answer to a question for a link's target.</summary>
/// <param name="Status">Ok, NotFound, StaleVersion, InvalidRequest (not a link), AccessDenied or Unavailable.</param>
/// <param name="Target">The target as stored, in the mapping of <see cref="EntryName"/>; empty unless Ok.</param>
[GenerateSerializer, Immutable, Alias("link")]
public sealed record LinkResult([property: Id(0)] ReadStatus Status, [property: Id(1)] string Target);
