namespace OrleansCache.Blocks;

/// <summary>Answer to a <see cref="FillRequest"/>.</summary>
/// <param name="Granted">Whether the asker may read the under storage.</param>
/// <param name="Holder">Silo to ask instead, when not granted.</param>
/// <param name="Lifetime">How long the grant holds without renewal, counted by the asker from before it asked.</param>
[GenerateSerializer, Immutable, Alias("fillgrant")]
public sealed record FillGrant(
    [property: Id(0)] bool Granted, [property: Id(1)] string? Holder, [property: Id(2)] TimeSpan Lifetime);
