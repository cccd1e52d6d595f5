namespace OrleansCache.BlockStore.Tiers;

/// <summary>Adds up what several disks count.</summary>
internal static class DiskSums
{
    public static BlockStoreStats Of(IEnumerable<BlockStoreStats> disks)
    {
        BlockStoreStats? sum = null;
        foreach (var disk in disks)
        {
            sum = sum is null ? disk : Add(sum, disk);
        }

        return sum ?? new StoreCounters().ToStats() with { Healthy = false };
    }

    private static BlockStoreStats Add(BlockStoreStats a, BlockStoreStats b) => a with
    {
        CapacityBytes = a.CapacityBytes + b.CapacityBytes,
        UsedBytes = a.UsedBytes + b.UsedBytes,
        ResidentBytes = a.ResidentBytes + b.ResidentBytes,
        UnprovenBytes = a.UnprovenBytes + b.UnprovenBytes,
        UnlinkedOpenBytes = a.UnlinkedOpenBytes + b.UnlinkedOpenBytes,
        Blocks = a.Blocks + b.Blocks,
        Files = a.Files + b.Files,
        OpenFiles = a.OpenFiles + b.OpenFiles,
        FillsInFlight = a.FillsInFlight + b.FillsInFlight,
        FillsCompleted = a.FillsCompleted + b.FillsCompleted,
        FillsAborted = a.FillsAborted + b.FillsAborted,
        FillsRefusedFull = a.FillsRefusedFull + b.FillsRefusedFull,
        PinHits = a.PinHits + b.PinHits,
        PinMisses = a.PinMisses + b.PinMisses,
        PinnedBytes = a.PinnedBytes + b.PinnedBytes,
        Leases = a.Leases + b.Leases,
        BlocksEvicted = a.BlocksEvicted + b.BlocksEvicted,
        CorruptBlocks = a.CorruptBlocks + b.CorruptBlocks,
        VerifiedBlocks = a.VerifiedBlocks + b.VerifiedBlocks,
        JournalBytes = a.JournalBytes + b.JournalBytes,
        PackedObjects = a.PackedObjects + b.PackedObjects,
        PackedBytes = a.PackedBytes + b.PackedBytes,
        PackedSegments = a.PackedSegments + b.PackedSegments,
        PackedSegmentBytes = a.PackedSegmentBytes + b.PackedSegmentBytes,
        PackedMovedBytes = a.PackedMovedBytes + b.PackedMovedBytes,
        PackedIndexBytes = a.PackedIndexBytes + b.PackedIndexBytes,
        Healthy = a.Healthy || b.Healthy,
    };
}
