namespace OrleansCache.Blocks;

/// <summary>
/// One run of blocks (key <see cref="BlockRun.GrainKeyOf"/>): who holds and who fills. Memory only, idle after a minute,
/// rebuilt by asking; losing it costs a second fill, never correctness.
/// </summary>
[Alias("IBlockGrain")]
public interface IBlockGrain : IGrainWithStringKey
{
    /// <summary>
    /// Asks for the right to fill this run from the under storage. A silo that already has the grant renews it: that is
    /// how it reports progress. A grant without progress for <see cref="FillGrant.Lifetime"/> is given to the next who asks.
    /// </summary>
    [Alias("Acquire")]
    ValueTask<FillGrant> Acquire(FillRequest request, CancellationToken cancellationToken);
}
