using OrleansCache.DataPlane;
using OrleansCache.DataPlane.Connections;

namespace OrleansCache.Routing;

/// <summary>Makes or shares connections to block servers: the seam between routing and the data plane's pool.</summary>
internal interface IBlockConnector : IAsyncDisposable
{
    /// <summary>A connection: over the Unix socket when the endpoint has one that works, else TCP. Waits a bounded time.</summary>
    ValueTask<ConnectionOutcome> GetAsync(DataEndpoint endpoint, CancellationToken cancellationToken);
}
