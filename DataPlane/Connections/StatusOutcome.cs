using OrleansCache.Files;

namespace OrleansCache.DataPlane.Connections;

/// <summary>Answer to a question for status.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Json">UTF-8 JSON, when Ok.</param>
public readonly record struct StatusOutcome(ReadStatus Status, ReadOnlyMemory<byte> Json);
