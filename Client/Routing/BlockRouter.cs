using Microsoft.Extensions.Logging;
using OrleansCache.DataPlane.Connections;
using OrleansCache.Files;
using OrleansCache.Groups;
using OrleansCache.Metadata;

namespace OrleansCache.Routing;

/// <summary>
/// The group's view and the connections to its silos. The view is asked for at first use, again when a silo cannot be
/// reached (one that restarted may have other ports), and when a silo names a newer epoch in its answers. Thread-safe.
/// </summary>
internal sealed partial class BlockRouter(
    IGrainFactory grains, string group, IBlockConnector connector, string ownHostId, TimeProvider time, ILogger<BlockRouter> logger)
    : IBlockRouter
{
    /// <summary>One question for the view; readers that wait longer come back.</summary>
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Between two questions because of a newer epoch: a silo that names one its group never had costs no more than this.</summary>
    private static readonly TimeSpan NewerEpochPause = TimeSpan.FromSeconds(1);

    private readonly SingleFlight<string, GroupView?> _asking = new();
    private volatile GroupView? _view;
    private long _newerEpochAskedAt;

    /// <inheritdoc/>
    public ValueTask<IBlockConnection?> FindAsync(FileKey key, CancellationToken cancellationToken) =>
        _view is { } view && SiloChoice.For(view, key) is { } member
            ? ConnectAsync(member, cancellationToken)
            : FindAfterRefreshAsync(key, cancellationToken);

    /// <inheritdoc/>
    public string? SiloOf(FileKey key) => _view is { } view ? SiloChoice.For(view, key)?.SiloName : null;

    /// <summary>The group as last seen, or asked for now.</summary>
    public async ValueTask<GroupView?> GetViewAsync(CancellationToken cancellationToken) =>
        await RefreshAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>A connection to one silo, or null.</summary>
    /// <exception cref="SiloRefusesException">It refuses this client.</exception>
    public ValueTask<IBlockConnection?> ConnectAsync(GroupMember member, CancellationToken cancellationToken)
    {
        var connecting = connector.GetAsync(SiloChoice.EndpointOf(member, ownHostId), cancellationToken);
        if (!connecting.IsCompletedSuccessfully)
        {
            return ConnectSlowlyAsync(member, connecting.AsTask(), cancellationToken);
        }

        var outcome = connecting.Result;
        if (outcome.Status != ReadStatus.Ok)
        {
            return ConnectSlowlyAsync(member, Task.FromResult(outcome), cancellationToken);
        }

        RefreshIfOlderThan(outcome.Connection!.RingEpoch);
        return new(outcome.Connection);
    }

    /// <summary>A silo knows a newer group than we do: asks for it, beside the reads, which go on with what is known.</summary>
    private void RefreshIfOlderThan(ulong epoch)
    {
        if (_view is not { } view || epoch <= (ulong)view.Epoch)
        {
            return;
        }

        var last = Volatile.Read(ref _newerEpochAskedAt);
        var isDue = last == 0 || time.GetElapsedTime(last) >= NewerEpochPause;
        if (isDue && Interlocked.CompareExchange(ref _newerEpochAskedAt, time.GetTimestamp(), last) == last)
        {
            _ = _asking.Run(group, AskAsync, out _); // Nobody waits for it, nor does a synchronous reader.
        }
    }

    private async ValueTask<IBlockConnection?> ConnectSlowlyAsync(
        GroupMember member, Task<ConnectionOutcome> connecting, CancellationToken cancellationToken)
    {
        var outcome = await connecting.ConfigureAwait(false);
        if (outcome.Status == ReadStatus.Ok)
        {
            return outcome.Connection;
        }

        if (outcome.Status != ReadStatus.AccessDenied)
        {
            LogNoConnection(member.SiloName, outcome.Reason);
            await RefreshAsync(cancellationToken).ConfigureAwait(false);
            return null;
        }

        // Of a silo that is gone another program may have the port: what refuses us counts only while the cluster says it is that silo.
        LogRefused(member.SiloName, outcome.Reason);
        var now = await AskOnceAsync(cancellationToken).ConfigureAwait(false);
        var endpoint = SiloChoice.EndpointOf(member, ownHostId);
        return now is null || now.Members.IsDefaultOrEmpty || now.Members.All(other => SiloChoice.EndpointOf(other, ownHostId) != endpoint)
            ? null
            : throw new SiloRefusesException(member.SiloName, outcome.Reason);
    }

    private async ValueTask<IBlockConnection?> FindAfterRefreshAsync(FileKey key, CancellationToken cancellationToken)
    {
        var view = await RefreshAsync(cancellationToken).ConfigureAwait(false);
        return view is not null && SiloChoice.For(view, key) is { } member
            ? await ConnectAsync(member, cancellationToken).ConfigureAwait(false)
            : null;
    }

    private async ValueTask<GroupView?> RefreshAsync(CancellationToken cancellationToken) =>
        await AskOnceAsync(cancellationToken).ConfigureAwait(false) ?? _view;

    private Task<GroupView?> AskOnceAsync(CancellationToken cancellationToken) =>
        SynchronousCaller.Here(_asking.Run(group, AskAsync, out _), cancellationToken);

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
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "no connection to silo {Silo}: {Reason}")]
    private partial void LogNoConnection(string silo, string? reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "silo {Silo} refuses this client: {Reason}")]
    private partial void LogRefused(string silo, string? reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "no view of group {Group}: {Error}")]
    private partial void LogNoView(string group, string error);
}
