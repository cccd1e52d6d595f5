using OrleansCache.DataPlane;
using OrleansCache.DataPlane.Connections;
using OrleansCache.Routing;

namespace OrleansCache.Client.Tests.Fakes;

/// <summary>For tests of names only: whoever wants bytes is wrong.</summary>
internal sealed class NoConnector : IBlockConnector
{
    public ValueTask<ConnectionOutcome> GetAsync(DataEndpoint endpoint, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
