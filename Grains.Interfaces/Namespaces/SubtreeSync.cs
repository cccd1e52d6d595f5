namespace OrleansCache.Namespaces;

/// <summary>A freshness promise of its own for a part of a source. Option <c>sync:/sub/tree=RULE</c>.</summary>
/// <param name="Path">Path inside the source, without leading or trailing slash; the rule is for it and all below.</param>
/// <param name="Rule">The rule.</param>
[GenerateSerializer, Immutable, Alias("subsync")]
public sealed record SubtreeSync([property: Id(0)] string Path, [property: Id(1)] SyncRule Rule);
