namespace OrleansCache.Groups;

/// <summary>A silo of a group, as its clients need to know it.</summary>
[GenerateSerializer, Immutable, Alias("member")]
public sealed record GroupMember
{
    /// <summary>Name, unique in the cluster and the same after a restart.</summary>
    [Id(0)] public required string SiloName { get; init; }

    /// <summary>Engine generation: grows with every start.</summary>
    [Id(1)] public required int Generation { get; init; }

    /// <summary>Address of its data port.</summary>
    [Id(2)] public required string DataHost { get; init; }

    /// <summary>Its data port.</summary>
    [Id(3)] public required int DataPort { get; init; }

    /// <summary>Path of its Unix socket, for clients of the same host; null when it has none.</summary>
    [Id(4)] public string? SocketPath { get; init; }

    /// <summary>Names the host's running kernel (boot id): a client with another one does not try the socket.</summary>
    [Id(5)] public required string HostId { get; init; }
}
