using Microsoft.Extensions.Logging;
using OrleansCache.DataPlane;
using OrleansCache.DataPlane.Connections;

namespace OrleansCache.Routing;

/// <summary>The data plane's connection pool as the router needs it.</summary>
internal sealed class PooledConnector(CacheClientOptions options, ILoggerFactory loggers) : IBlockConnector
{
    /// <inheritdoc/>
    public ValueTask<IBlockConnection> ConnectAsync(DataEndpoint endpoint, CancellationToken cancellationToken)
    {
        _ = options;
        _ = loggers;
        throw new IOException("the data plane's connections are not built yet");
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
