using OrleansCache.Files;

namespace OrleansCache.UnderStorage;

/// <summary>Result of a stat.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Metadata">Attributes, when Ok.</param>
public readonly record struct StatOutcome(ReadStatus Status, FileMetadata Metadata);
