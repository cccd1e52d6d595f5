namespace OrleansCache.Namespaces;

/// <summary>Something a source's store can or cannot do, found out at attach and shown by <c>ocache sources</c>.</summary>
/// <param name="Name">What, such as <c>fenced</c>.</param>
/// <param name="Value">How, such as <c>yes</c>, <c>no</c> or <c>unknown</c>.</param>
[GenerateSerializer, Immutable, Alias("srcfact")]
public sealed record SourceFact([property: Id(0)] string Name, [property: Id(1)] string Value);
