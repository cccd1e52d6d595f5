using System.Collections.Immutable;
using Orleans.Concurrency;

namespace OrleansCache.Namespaces;

/// <summary>
/// Tells clients of one source (key: <see cref="Files.SourceId"/> as text) that what they lease is not current any more, before
/// their leases end. Memory only: who misses something still has its leases' ends. Subscribers wait inside a call, so that a
/// client needs no address of its own.
/// </summary>
[Alias("IChangeFeedGrain")]
public interface IChangeFeedGrain : IGrainWithStringKey
{
    /// <summary>Longest wait of <see cref="Next"/> for a change, in seconds: well below the engine's answer timeout.</summary>
    const int LongestWaitSeconds = 8;

    /// <summary>Changes after a point; waits for one up to <see cref="LongestWaitSeconds"/>.</summary>
    /// <param name="after"><see cref="ChangeBatch.Last"/> of the batch before; 0 = from now on.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    [Alias("Next"), AlwaysInterleave]
    ValueTask<ChangeBatch> Next(long after, CancellationToken cancellationToken);

    /// <summary>Adds changes, in order.</summary>
    [Alias("Publish"), AlwaysInterleave]
    ValueTask Publish(ImmutableArray<PathChange> changes, CancellationToken cancellationToken);
}
