using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.Grains.Namespaces;

/// <summary>Which sources are attached, for the grains and the catalog of one silo.</summary>
public interface IAttachedSources
{
    /// <summary>The source of this id; null when it is not attached.</summary>
    ValueTask<SourceInfo?> FindAsync(SourceId source, CancellationToken cancellationToken);
}

/// <summary>
/// Keeps the namespace's table for as long as a client may. An id that is not in it makes it ask again, at most once a second,
/// so that a source attached just now is found. Thread-safe.
/// </summary>
internal sealed class AttachedSources(IGrainFactory grains, TimeProvider time) : IAttachedSources
{
    /// <summary>How often an id nobody knows may cause a question.</summary>
    private static readonly TimeSpan UnknownRetry = TimeSpan.FromSeconds(1);

    private sealed record Snapshot(NamespaceTable Table, long AskedAt);

    private volatile Snapshot? _latest;

    /// <inheritdoc/>
    public async ValueTask<SourceInfo?> FindAsync(SourceId source, CancellationToken cancellationToken)
    {
        var latest = _latest;
        var age = latest is null ? TimeSpan.MaxValue : time.GetElapsedTime(latest.AskedAt);
        var found = latest is null ? null : Find(latest.Table, source);
        if (age < (found is null ? UnknownRetry : DirectoryLease.Default))
        {
            return found;
        }

        // Several may ask at once: the answers are small and equal.
        var asked = time.GetTimestamp();
        var table = await grains.GetGrain<INamespaceGrain>(INamespaceGrain.Key).GetTable(cancellationToken);
        _latest = new Snapshot(table, asked);
        return Find(table, source);
    }

    private static SourceInfo? Find(NamespaceTable table, SourceId source)
    {
        foreach (var one in table.Sources)
        {
            if (one.Id == source)
            {
                return one;
            }
        }

        return null;
    }
}
