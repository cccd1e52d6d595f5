namespace OrleansCache;

/// <summary>How much of a file version is cached.</summary>
/// <param name="Blocks">Blocks of the version.</param>
/// <param name="CachedBlocks">Of those cached and verified; null when this host cannot tell (no Unix socket to the silo).</param>
public sealed record CacheResidency(int Blocks, int? CachedBlocks)
{
    /// <summary>Share in percent, rounded down; an empty file is wholly cached. Null when unknown.</summary>
    public int? CachedPercent => Blocks == 0 ? 100 : (int?)(CachedBlocks * 100L / Blocks);
}
