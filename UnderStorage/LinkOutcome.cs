using OrleansCache.Files;

namespace OrleansCache.UnderStorage;

/// <summary>Result of reading a symbolic link.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Target">The target, when Ok; else empty.</param>
public readonly record struct LinkOutcome(ReadStatus Status, string Target);
