using System.Collections.Immutable;

namespace OrleansCache.Namespaces;

/// <summary>All sources with the epoch of the table: it grows with every attach and detach.</summary>
/// <param name="Epoch">Version of the table.</param>
/// <param name="Sources">The sources, ordered by path.</param>
[GenerateSerializer, Immutable, Alias("nstable")]
public sealed record NamespaceTable(
    [property: Id(0)] long Epoch, [property: Id(1)] ImmutableArray<SourceInfo> Sources);
