using System.Net;

namespace OrleansCache.Fakes.Network;

/// <summary>What a <see cref="DelayProxy"/> does to the connections through it.</summary>
public sealed record DelayProxyOptions
{
    /// <summary>Where connections go.</summary>
    public required IPEndPoint Target { get; init; }

    /// <summary>
    /// How long a round trip takes: half of it each way. A new connection costs one, too (the kernel has accepted it
    /// before we know, so its first bytes wait that much longer).
    /// </summary>
    public TimeSpan RoundTrip { get; init; }

    /// <summary>Bytes a second of all connections together, towards the client; null for no limit.</summary>
    public long? DownBytesPerSecond { get; init; }

    /// <summary>The same, away from the client.</summary>
    public long? UpBytesPerSecond { get; init; }

    /// <summary>
    /// Most bytes under way in one direction of one connection, and so its memory. It bounds one connection's rate to this
    /// for each half round trip: 4 MiB in 10 ms are 400 MiB/s.
    /// </summary>
    public int WindowBytes { get; init; } = 4 << 20;
}
