using System.ComponentModel.DataAnnotations;
using OrleansCache.DataPlane.Wires;

namespace OrleansCache.DataPlane.Server;

/// <summary>Where the block server listens and what it allows.</summary>
public sealed class BlockServerOptions
{
    /// <summary>Address to listen on: loopback, unless there is a secret and the network is trusted.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>TCP port; 0 = any free one.</summary>
    [Range(0, 65535)] public int Port { get; init; }

    /// <summary>Unix socket, in a directory only its user can enter; null = none.</summary>
    public string? SocketPath { get; init; }

    /// <summary>Name of the cluster: peers of another one are refused.</summary>
    public required string ClusterId { get; init; }

    /// <summary>The cluster secret; empty = none, then only loopback and the Unix socket are served.</summary>
    public ReadOnlyMemory<byte> ClusterSecret { get; init; }

    /// <summary>The certificate for TCP, which is TLS 1.3 then; read again when its files change. Null = plain TCP.</summary>
    public TlsCertificateFiles? Certificate { get; init; }

    /// <summary>
    /// Says that nobody on the network listens or meddles. Needed off loopback without a certificate: the handshake proves who is there, but without
    /// TLS the bytes after it are neither secret nor protected.
    /// </summary>
    public bool TrustedNetwork { get; init; }

    /// <summary>See <see cref="MaxConnections"/>.</summary>
    public const int DefaultMaxConnections = 16_384;

    /// <summary>Most connections. An idle one costs a descriptor and some KiB (docs/design/12-data-plane-security.md).</summary>
    [Range(1, 65536)] public int MaxConnections { get; init; } = DefaultMaxConnections;

    /// <summary>Most connections served at the same time, each by a thread with a small stack and 50 KiB. More wait their turn.</summary>
    [Range(1, 65536)] public int MaxBusyConnections { get; init; } = 1024;

    /// <summary>
    /// A peer silent for so long gives its thread back. Its next request waits for a new one, a tenth of a millisecond.
    /// </summary>
    public TimeSpan IdleAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Most connections from one address (the Unix socket counts as one): no peer takes them all.</summary>
    [Range(1, 65536)] public int MaxConnectionsPerPeer { get; init; } = 512;

    /// <summary>Most requests of one connection that wait for bytes; then it is not read from. Clients are told.</summary>
    [Range(1, 1024)] public int MaxRequestsInFlight { get; init; } = 64;

    /// <summary>A handshake takes milliseconds; five seconds allow for a host that swaps.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest time between the first and the last byte of a request, which is at most 8 KiB.</summary>
    public TimeSpan FrameTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest time one answer frame may take to leave: 8 MiB in 30 s is 280 KB/s. A slower reader is dropped.</summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest time a request may wait for bytes, whatever deadline it names.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Longest time a stop takes. Answers being sent get half of it.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Buffers of 1 MiB for reads that go past a full store, over all connections.</summary>
    [Range(1, 4096)] public int ReadThroughBuffers { get; init; } = 32;
}
