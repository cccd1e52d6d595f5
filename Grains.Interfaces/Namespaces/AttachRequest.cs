using System.Collections.Immutable;

namespace OrleansCache.Namespaces;

/// <summary>What <c>ocache attach URI PATH --option k=v</c> asks.</summary>
/// <param name="Uri">Under storage, such as <c>file:///data/imagenet</c>.</param>
/// <param name="Path">Absolute namespace path.</param>
/// <param name="Options">Options as typed; unknown names are refused.</param>
[GenerateSerializer, Immutable, Alias("attachreq")]
public sealed record AttachRequest(
    [property: Id(0)] string Uri,
    [property: Id(1)] string Path,
    [property: Id(2)] ImmutableArray<string> Options);
