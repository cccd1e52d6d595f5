using Microsoft.Extensions.Logging;
using OrleansCache.DataPlane;
using OrleansCache.DataPlane.Connections;

namespace OrleansCache.Routing;

/// <summary>The data plane's connection pool, set up for a client.</summary>
internal sealed class PooledConnector(CacheClientOptions options, ILoggerFactory loggers) : IBlockConnector
{
    // One attempt of a reader that comes back until its own deadline: in between the router may learn of another address.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly BlockConnectionPool _pool = new(
        new BlockConnectionPoolOptions
        {
            Connection = SiloAccess.Load(options, loggers),
            GetTimeout = Patience,
        },
        options.TimeProvider,
        Random.Shared);

    /// <inheritdoc/>
    public ValueTask<ConnectionOutcome> GetAsync(DataEndpoint endpoint, CancellationToken cancellationToken) =>
        _pool.GetAsync(endpoint, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _pool.DisposeAsync();
}
