using OrleansCache.Files;

namespace OrleansCache.Reading;

/// <summary>How asking a silo until the deadline ended.</summary>
/// <param name="Status">How the last attempt ended, or what the wait is called.</param>
/// <param name="Effort">What was spent on it, unless Ok.</param>
internal readonly record struct FetchOutcome(ReadStatus Status, Effort Effort = default);
