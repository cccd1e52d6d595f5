using OrleansCache.Files;

namespace OrleansCache.DataPlane.Connections;

/// <summary>Answer to a read.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Bytes">Bytes read, when Ok.</param>
/// <param name="WasResident">Whether the silo had them.</param>
public readonly record struct ReadOutcome(ReadStatus Status, int Bytes, bool WasResident);
