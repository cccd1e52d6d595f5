using OrleansCache.Silo.Configuration;

namespace OrleansCache.Silo.Hosting;

/// <summary>
/// How big the tier becomes when nobody said it: ten GiB, but at most half of the disk and, when it is new, at most four
/// fifths of what is free. An old one keeps its size although its own blocks made the disk fuller.
/// </summary>
internal static class TierCapacity
{
    /// <summary>The tier with its final capacity.</summary>
    public static TierSpec Decide(TierSpec tier, long diskBytes, long freeBytes, bool isNew)
    {
        if (!tier.IsDefault)
        {
            return tier;
        }

        var capacity = Math.Min(tier.CapacityBytes, diskBytes / 2);
        if (isNew)
        {
            capacity = Math.Min(capacity, freeBytes / 5 * 4);
        }

        return capacity >= TierSpec.MinCapacityBytes
            ? tier with { CapacityBytes = capacity }
            : throw SiloStartException.Failure(
                $"the disk of {tier.Directory} has only {ByteSize.Format(freeBytes)} free; "
                + "free some space or name another disk with --tier nvme=DIR:SIZE");
    }

    /// <summary>The tier with its final capacity, on the disk its directory is on.</summary>
    public static TierSpec Decide(TierSpec tier)
    {
        var disk = new DriveInfo(tier.Directory);
        return Decide(tier, disk.TotalSize, disk.AvailableFreeSpace, !Directory.EnumerateFileSystemEntries(tier.Directory).Any());
    }
}
