using Microsoft.Extensions.Logging;
using OrleansCache.DataPlane;
using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;
using OrleansCache.Groups;
using OrleansCache.Metadata;

namespace OrleansCache.Routing;

/// <summary>
/// The group's view and the connections to its silos. The view is asked for at first use and again when a silo cannot be
/// reached: one that restarted may have other ports. Thread-safe.
/// </summary>
internal sealed partial class BlockRouter(
    IGrainFactory grains, string group, IBlockConnector connector, string ownHostId, TimeProvider time, ILogger<BlockRouter> logger)
    : IBlockRouter
{
    /// <summary>One attempt of one step; readers that wait longer come back.</summary>
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(5);

    private readonly SingleFlight<string, GroupView?> _asking = new();
    private volatile GroupView? _view;

    /// <inheritdoc/>
    public ValueTask<IBlockConnection?> FindAsync(FileKey key, CancellationToken cancellationToken) =>
        _view is { } view && SiloChoice.For(view, key) is { } member
            ? ConnectAsync(member, cancellationToken)
            : FindAfterRefreshAsync(key, cancellationToken);

    /// <summary>The group as last seen, or asked for now.</summary>
    public async ValueTask<GroupView?> GetViewAsync(CancellationToken cancellationToken) =>
        await RefreshAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>A connection to one silo, or null.</summary>
    public async ValueTask<IBlockConnection?> ConnectAsync(GroupMember member, CancellationToken cancellationToken)
    {
        var endpoint = SiloChoice.EndpointOf(member, ownHostId);
        var connection = await TryConnectAsync(member, endpoint, cancellationToken).ConfigureAwait(false);
        if (connection is null && endpoint.SocketPath is not null)
        {
            // The socket may be out of reach (another mount namespace) while the port is not.
            connection = await TryConnectAsync(member, endpoint with { SocketPath = null }, cancellationToken).ConfigureAwait(false);
        }

        if (connection is null)
        {
            await RefreshAsync(cancellationToken).ConfigureAwait(false);
        }

        return connection;
    }

    private async ValueTask<IBlockConnection?> FindAfterRefreshAsync(FileKey key, CancellationToken cancellationToken)
    {
        var view = await RefreshAsync(cancellationToken).ConfigureAwait(false);
        return view is not null && SiloChoice.For(view, key) is { } member
            ? await ConnectAsync(member, cancellationToken).ConfigureAwait(false)
            : null;
    }

    private async ValueTask<IBlockConnection?> TryConnectAsync(
        GroupMember member, DataEndpoint endpoint, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(AttemptTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await connector.ConnectAsync(endpoint, both.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (
            error is IOException or System.Net.Sockets.SocketException or TimeoutException
            || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            LogNoConnection(member.SiloName, endpoint, error.Message);
            return null;
        }
    }

    private Task<GroupView?> RefreshAsync(CancellationToken cancellationToken) =>
        _asking.Run(group, AskAsync, out _).WaitAsync(cancellationToken);

    private async Task<GroupView?> AskAsync()
    {
        using var timeout = new CancellationTokenSource(AttemptTimeout, time);
        try
        {
            var view = await grains.GetGrain<ICacheGroupGrain>(group).GetView(timeout.Token).AsTask()
                .WaitAsync(timeout.Token).ConfigureAwait(false);
            _view = view;
            return view;
        }
        catch (Exception error) when (GrainCaller.IsTransient(error) || error is OperationCanceledException)
        {
            LogNoView(group, error.Message);
            return _view;
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "no connection to silo {Silo} at {Endpoint}: {Error}")]
    private partial void LogNoConnection(string silo, DataEndpoint endpoint, string error);

    [LoggerMessage(Level = LogLevel.Debug, Message = "no view of group {Group}: {Error}")]
    private partial void LogNoView(string group, string error);
}
