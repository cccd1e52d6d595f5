using OrleansCache.Blocks;

namespace OrleansCache.Grains.Blocks;

/// <summary>One run of blocks. The policy is <see cref="FillGrants"/>; memory only.</summary>
[GrainType("block"), CollectionAgeLimit(Minutes = 1)]
internal sealed class BlockGrain(TimeProvider time) : Grain, IBlockGrain
{
    private readonly FillGrants _grants = new(time);

    public ValueTask<FillGrant> Acquire(FillRequest request, CancellationToken cancellationToken) =>
        new(_grants.Acquire(request));
}
