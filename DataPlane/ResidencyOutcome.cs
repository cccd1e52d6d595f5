using OrleansCache.Files;

namespace OrleansCache.DataPlane;

/// <summary>Answer to a wish for residency.</summary>
/// <param name="Status">Ok, or why not. Unavailable with a full store: read through instead.</param>
/// <param name="Generation">Cache file the bytes are in: a lease of another generation does not see them.</param>
/// <param name="AvailableBytes">Bytes available from the offset asked for; at least 1 when Ok, at most the length asked for.</param>
/// <param name="WasResident">Whether nothing had to be fetched: a hit.</param>
public readonly record struct ResidencyOutcome(ReadStatus Status, ulong Generation, long AvailableBytes, bool WasResident);
