using System.ComponentModel.DataAnnotations;

namespace OrleansCache.DataPlane.Connections;

/// <summary>How many connections are kept, and how they are made again.</summary>
public sealed class BlockConnectionPoolOptions
{
    /// <summary>The connections themselves.</summary>
    public required BlockConnectionOptions Connection { get; init; }

    /// <summary>
    /// Most connections to one server. Each is one stream and one thread at both ends; four reach the line rate where one does
    /// not (FUSE-NOTES §5). A second is opened only when the first has requests in flight.
    /// </summary>
    [Range(1, 64)] public int MaxConnectionsPerEndpoint { get; init; } = 4;

    /// <summary>Most servers; the one not asked for longest goes.</summary>
    [Range(1, 65536)] public int MaxEndpoints { get; init; } = 1024;

    /// <summary>Longest time a caller waits for a connection when its token does not end it before.</summary>
    public TimeSpan GetTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>First wait after a failure; doubled each time, and a random part of it is waited.</summary>
    public TimeSpan FirstBackoff { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Longest wait between two attempts: a silo that is back is found within this time.</summary>
    public TimeSpan LongestBackoff { get; init; } = TimeSpan.FromSeconds(1);
}
