using System.Diagnostics.CodeAnalysis;
using OrleansCache.Namespaces;

namespace OrleansCache.Metadata;

/// <summary>The namespace's table, leased. Thread-safe.</summary>
internal sealed class SourceTable(IGrainFactory grains, GrainCaller caller, TimeProvider time)
{
    private readonly SingleFlight<string, Leased> _asking = new();
    private volatile Leased? _leased;

    /// <summary>The tree while its lease lives.</summary>
    public bool TryGet([NotNullWhen(true)] out SourceTree? tree, out TimeSpan validFor)
    {
        var leased = _leased;
        validFor = leased?.Lease.Remaining(time) ?? TimeSpan.Zero;
        tree = validFor > TimeSpan.Zero ? leased!.Tree : null;
        return tree is not null;
    }

    /// <summary>The tree now.</summary>
    /// <exception cref="ClusterUnreachableException">No answer within the deadline.</exception>
    public async ValueTask<(SourceTree Tree, TimeSpan ValidFor)> GetAsync(CancellationToken cancellationToken)
    {
        if (TryGet(out var tree, out var validFor))
        {
            return (tree, validFor);
        }

        var leased = await _asking.Run(INamespaceGrain.Key, AskAsync, out _).WaitAsync(cancellationToken).ConfigureAwait(false);
        return (leased.Tree, leased.Lease.Remaining(time));
    }

    /// <summary>Forgets it: somebody of this process changed it.</summary>
    public void Invalidate() => _leased = null;

    private async Task<Leased> AskAsync()
    {
        var asked = time.GetTimestamp();
        var table = await caller.AskAsync(
            "reading the table of sources",
            token =>
            {
                asked = time.GetTimestamp();
                return grains.GetGrain<INamespaceGrain>(INamespaceGrain.Key).GetTable(token);
            },
            CancellationToken.None).ConfigureAwait(false);
        var previous = _leased;
        var tree = previous is not null && previous.Tree.Table.Epoch == table.Epoch ? previous.Tree : new SourceTree(table);
        var leased = new Leased(tree, Lease.From(time, asked, DirectoryLease.Default));
        _leased = leased;
        return leased;
    }

    private sealed record Leased(SourceTree Tree, Lease Lease);
}
