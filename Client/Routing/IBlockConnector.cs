using OrleansCache.DataPlane;
using OrleansCache.DataPlane.Connections;

namespace OrleansCache.Routing;

/// <summary>Makes or shares connections to block servers.</summary>
internal interface IBlockConnector : IAsyncDisposable
{
    /// <summary>An open connection: over the Unix socket when the endpoint has one, else TCP.</summary>
    /// <exception cref="IOException">The server cannot be reached, or refuses us.</exception>
    ValueTask<IBlockConnection> ConnectAsync(DataEndpoint endpoint, CancellationToken cancellationToken);
}
