namespace OrleansCache.Files;

/// <summary>The part of a <see cref="ReadCapability"/> that only the control plane can make.</summary>
/// <param name="ExpiresUnixSeconds">When the right ends, in seconds since 1970 UTC.</param>
/// <param name="MacHigh">Upper half of the truncated HMAC-SHA256.</param>
/// <param name="MacLow">Lower half.</param>
[GenerateSerializer, Immutable, Alias("seal")]
public readonly record struct CapabilitySeal(
    [property: Id(0)] long ExpiresUnixSeconds,
    [property: Id(1)] ulong MacHigh,
    [property: Id(2)] ulong MacLow);
