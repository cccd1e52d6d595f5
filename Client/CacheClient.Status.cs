using OrleansCache.Files;
using OrleansCache.Groups;
using OrleansCache.Routing;
using OrleansCache.Status;

namespace OrleansCache;

/// <summary>Status.</summary>
public sealed partial class CacheClient
{
    private static readonly TimeSpan StatusTimeout = TimeSpan.FromSeconds(5);

    /// <summary>How the cluster is doing: each silo's tiers and memory, and what was read from where.</summary>
    /// <exception cref="ClusterUnreachableException">The cluster does not answer.</exception>
    public async Task<ClusterStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        var merger = new StatusMerger();
        merger.AddAttached(await ListSourcesAsync(cancellationToken).ConfigureAwait(false));
        var view = await _core.Router.GetViewAsync(cancellationToken).ConfigureAwait(false)
            ?? throw new ClusterUnreachableException($"the silos of group {_options.Group} are not known: no answer", default, null);
        foreach (var member in view.Members)
        {
            await AskAsync(merger, member, cancellationToken).ConfigureAwait(false);
        }

        return merger.ToStatus();
    }

    private async ValueTask AskAsync(StatusMerger merger, GroupMember member, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(StatusTimeout, _options.TimeProvider);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var connection = await _core.Router.ConnectAsync(member, both.Token).ConfigureAwait(false);
            if (connection is null)
            {
                merger.AddUnreachable(member, $"no connection to {member.DataHost}:{member.DataPort}");
                return;
            }

            var outcome = await connection.GetStatusAsync(both.Token).ConfigureAwait(false);
            if (outcome.Status == ReadStatus.Ok)
            {
                merger.Add(member, outcome.Json);
            }
            else
            {
                merger.AddUnreachable(member, $"answered {outcome.Status}");
            }
        }
        catch (SiloRefusesException refusal)
        {
            merger.AddUnreachable(member, refusal.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            merger.AddUnreachable(member, $"no answer within {StatusTimeout.TotalSeconds:0} s");
        }
    }
}
