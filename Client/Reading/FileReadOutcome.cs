using OrleansCache.Files;

namespace OrleansCache.Reading;

/// <summary>How a read of a file ended.</summary>
/// <param name="Status">Ok, StaleVersion, AccessDenied, DeadlineExceeded or Unavailable.</param>
/// <param name="Bytes">Bytes read, when Ok.</param>
internal readonly record struct FileReadOutcome(ReadStatus Status, int Bytes)
{
    /// <summary>What was spent on it, unless Ok.</summary>
    public Effort Effort { get; init; }
}
