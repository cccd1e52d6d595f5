using OrleansCache.Files;

namespace OrleansCache.UnderStorage;

/// <summary>Which under storage a URI with its options means.</summary>
/// <param name="Id">The id: equal for equal places, so that attaching again finds the same blocks.</param>
/// <param name="Uri">The URI in its one spelling, without credentials, as people see it.</param>
public readonly record struct SourceIdentity(SourceId Id, string Uri)
{
    /// <summary>The identity of a source that its URI alone names.</summary>
    public static SourceIdentity OfUri(string canonicalUri) => new(SourceId.FromUri(canonicalUri), canonicalUri);
}
