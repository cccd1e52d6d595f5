using OrleansCache.Files;

namespace OrleansCache.UnderStorage;

/// <summary>Some entries of a directory.</summary>
/// <param name="Status">
/// Ok, NotFound, NotADirectory, AccessDenied, Unavailable or DeadlineExceeded. After anything but Ok the listing is over and what
/// was seen of it is incomplete.
/// </param>
/// <param name="Entries">The entries; may be empty also when more follow.</param>
/// <param name="IsLast">Whether the directory ends here.</param>
/// <param name="ResumeAt">
/// What <see cref="IUnderStorage.List"/> takes to go on directly behind the last entry given, also in another process; null when this
/// store cannot.
/// </param>
public readonly record struct ListBatch(
    ReadStatus Status, IReadOnlyList<UnderStorageEntry> Entries, bool IsLast, string? ResumeAt)
{
    /// <summary>
    /// Keys of the store at this place that no path can name (docs/SEMANTICS.md), as text for people. Those behind the last entry
    /// are told again to whoever goes on at <see cref="ResumeAt"/>.
    /// </summary>
    public IReadOnlyList<string> Unreachable { get; init; } = [];

    /// <summary>A batch that says only why there is none.</summary>
    public static ListBatch Failed(ReadStatus status) => new(status, [], true, null);
}
