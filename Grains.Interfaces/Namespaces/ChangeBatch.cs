using System.Collections.Immutable;

namespace OrleansCache.Namespaces;

/// <summary>What a subscriber of a source's changes gets.</summary>
/// <param name="Last">Where to go on: give it to the next <see cref="IChangeFeedGrain.Next"/>.</param>
/// <param name="IsGap">Changes were missed (the subscriber was slow, or the feed moved): nothing leased of the source counts any more.</param>
/// <param name="Changes">The changes since; empty when there were none within the wait.</param>
[GenerateSerializer, Immutable, Alias("chgbatch")]
public sealed record ChangeBatch(
    [property: Id(0)] long Last,
    [property: Id(1)] bool IsGap,
    [property: Id(2)] ImmutableArray<PathChange> Changes);
