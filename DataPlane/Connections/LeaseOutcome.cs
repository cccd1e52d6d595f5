using OrleansCache.DataPlane.Server;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Connections;

/// <summary>Answer to a wish for a lease.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Lease">The lease, when Ok; the caller disposes it.</param>
public readonly record struct LeaseOutcome(ReadStatus Status, ResidencyLease? Lease);
