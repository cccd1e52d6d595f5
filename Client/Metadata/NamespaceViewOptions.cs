namespace OrleansCache.Metadata;

/// <summary>Bounds of the metadata cache.</summary>
/// <param name="MaxEntries">Names held, known missing ones too.</param>
/// <param name="MaxBytes">Estimated memory of names and pages together.</param>
/// <param name="Deadline">How long one question waits for the cluster.</param>
/// <param name="FollowsChanges">Whether changes are listened to while something is leased.</param>
internal sealed record NamespaceViewOptions(int MaxEntries, long MaxBytes, TimeSpan Deadline, bool FollowsChanges = true);
