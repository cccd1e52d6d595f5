using OrleansCache.Files;

namespace OrleansCache.DataPlane.Connections;

/// <summary>Answer to a wish for a connection.</summary>
/// <param name="Status">Ok; Unavailable (nobody there in time); AccessDenied (the handshake was refused: trying again does not help).</param>
/// <param name="Connection">The connection, when Ok. It is shared: nobody disposes it.</param>
/// <param name="Reason">A sentence for the log, when not Ok.</param>
public readonly record struct ConnectionOutcome(ReadStatus Status, IBlockConnection? Connection, string? Reason);
