using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Wires;

namespace OrleansCache.DataPlane.Server;

/// <summary>What all connections of a block server share.</summary>
internal sealed class ServerContext(
    BlockServerOptions options, IBlockService service, BlockServerMetrics metrics, ServerLog log, TimeProvider time)
{
    public BlockServerOptions Options { get; } = options;

    public IBlockService Service { get; } = service;

    public BlockServerMetrics Metrics { get; } = metrics;

    public ServerLog Log { get; } = log;

    public TimeProvider Time { get; } = time;

    /// <summary>The certificate for TCP; null = no TLS.</summary>
    public RotatedFiles<ServerCertificate>? Certificate { get; set; }

    /// <summary>Whether a connection waits for a thread: those that have one and owe nothing let it have theirs.</summary>
    public volatile bool IsCrowded;

    public HandshakeIdentity Identity { get; } = new(PeerRole.Silo, options.ClusterId, options.ClusterSecret);

    /// <summary>Permits for read-through buffers. Never disposed: a request that outlives the server still gives its permit back.</summary>
    public SemaphoreSlim ReadThroughBudget { get; } = new(options.ReadThroughBuffers);
}
