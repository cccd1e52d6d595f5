using System.ComponentModel.DataAnnotations;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Wires;

namespace OrleansCache.DataPlane.Connections;

/// <summary>How a client connects to block servers.</summary>
public sealed class BlockConnectionOptions
{
    /// <summary>Name of the cluster: servers of another one are refused.</summary>
    public required string ClusterId { get; init; }

    /// <summary>The cluster secret; empty = none, then only loopback and Unix sockets are connected to.</summary>
    public ReadOnlyMemory<byte> ClusterSecret { get; init; }

    /// <summary>Which servers to believe; TCP is TLS 1.3 then, and nothing else. Null = plain TCP.</summary>
    public ServerTrust? Tls { get; init; }

    /// <summary>Says that nobody on the network listens or meddles. Needed off loopback without TLS.</summary>
    public bool TrustedNetwork { get; init; }

    /// <summary>What this end is.</summary>
    public PeerRole Role { get; init; } = PeerRole.Client;

    /// <summary>Longest time for name, connection and handshake together: they take milliseconds unless the host is gone.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Longest time a request takes when its caller's token does not end it before. The server is told.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Longest time a request frame waits for room in the socket. Requests in flight fit there, so a server that makes us wait
    /// has stopped reading and the connection is given up.
    /// </summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A cancelled read whose bytes are just arriving returns when the piece is in; if that takes longer than this, the
    /// connection is closed, because its buffer must not be written to after the read has returned.
    /// </summary>
    public TimeSpan CancelGrace { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Most requests in flight; the server's own limit counts, too.</summary>
    [Range(1, 1024)] public int MaxRequestsInFlight { get; init; } = 64;
}
