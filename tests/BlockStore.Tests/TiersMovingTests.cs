using OrleansCache.BlockStore.Tiers;

namespace OrleansCache.BlockStore.Tests;

/// <summary>Blocks that go down to slower disks and come up again.</summary>
public sealed class TiersMovingTests
{
    private const long FastBytes = 16L << 20;

    /// <summary>docs/SEMANTICS.md 11.5: what a faster disk has no room for goes to a slower one.</summary>
    [Fact]
    public async Task What_a_faster_disk_evicts_is_served_by_a_slower_one()
    {
        await using var disks = new TestDisks();
        var fast = disks.Add(TierMedium.Nvme, FastBytes);
        var slow = disks.Add(TierMedium.Hdd, 256L << 20);
        await disks.OpenAsync();
        var files = await FillPastAsync(disks, fast);
        await TestTier.UntilAsync(() => disks.Store.DemotedBytes > 0, "something to be copied down");

        var fromSlow = 0;
        for (var file = 0; file < files; file++)
        {
            var isThere = disks.Read(file, 0, TestTier.BlockSize) == PinStatus.Pinned;
            fromSlow += isThere && !disks.HoldersOf(file).Contains(fast) ? 1 : 0;
        }

        Assert.True(fromSlow > 0, "no block was served by the slower disk");
        Assert.True(disks.StatusOf(slow).Stats!.Blocks > 0);
        Assert.Equal(0, disks.Store.GetStats().CorruptBlocks);
        await TestTier.UntilAsync(() => disks.StatusOf(fast).Stats!.UsedBytes <= FastBytes, "the faster disk to be within its capacity");
    }

    [Fact]
    public async Task A_block_that_went_bad_is_not_copied_down()
    {
        await using var disks = new TestDisks();
        var fast = disks.Add(TierMedium.Nvme, FastBytes);
        disks.Add(TierMedium.Hdd, 256L << 20);
        await disks.OpenAsync();
        Assert.Equal(FillStatus.Started, await disks.FillAsync(0, TestTier.BlockSize, 0));
        var path = Path.Combine(fast, "files", TestDisks.NameOf(TestTier.Key(0)));
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite))
        {
            RandomAccess.Write(file, new byte[10], 1000);
        }

        await FillPastAsync(disks, fast, from: 1);
        await TestTier.UntilAsync(() => !disks.HoldersOf(0).Contains(fast) && disks.Store.DemotedBytes > 0, "the bad block to be evicted");
        Assert.Equal(PinStatus.Missing, disks.Read(0, 0, TestTier.BlockSize));
    }

    /// <summary>docs/SEMANTICS.md 11.5: what is used again on a slower disk comes back to a faster one.</summary>
    [Fact]
    public async Task What_is_used_again_on_a_slower_disk_comes_to_a_faster_one()
    {
        var time = new ShiftedTime();
        await using var disks = new TestDisks { Time = time };
        var fast = disks.Add(TierMedium.Memory);
        var slow = disks.Add(TierMedium.Ssd);
        await disks.OpenAsync();
        disks.Store.TakeOut(fast);
        Assert.Equal(FillStatus.Started, await disks.FillAsync(1, 2 * TestTier.BlockSize, 0));
        Assert.Equal(FillStatus.Started, await disks.FillAsync(1, 2 * TestTier.BlockSize, 1));
        Assert.Equal(DiskChange.Done, await disks.Store.PutInAsync(fast, CancellationToken.None));
        Assert.Equal([slow], disks.HoldersOf(1));

        for (var piece = 0; piece < 4; piece++)
        {
            Assert.Equal(PinStatus.Pinned, disks.Read(1, piece * 4096, 4096)); // One use, however many reads.
        }

        Assert.Equal(0, disks.StatusOf(fast).Stats!.FillsInFlight + disks.StatusOf(fast).Stats!.Blocks);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(PinStatus.Pinned, disks.Read(1, 0, TestTier.BlockSize));
        await TestTier.UntilAsync(() => disks.StatusOf(fast).Stats!.Blocks == 1, "the block to be copied up");
        Assert.Equal(PinStatus.Pinned, disks.Read(1, 0, 2 * TestTier.BlockSize));
        Assert.Equal(TestTier.BlockSize, disks.Store.PromotedBytes);
        Assert.Equal(FillStatus.Resident, await disks.FillAsync(1, 2 * TestTier.BlockSize, 1));

        // A lease shows one cache file: the one that has more.
        Assert.Equal(LeaseStatus.Leased, disks.Store.TryLease(TestTier.Key(1), out var lease));
        Assert.True(lease!.Residency.IsComplete);
        lease.Dispose();
    }

    [Fact]
    public async Task What_is_dropped_stays_dropped_however_much_is_being_copied()
    {
        await using var disks = new TestDisks();
        var fast = disks.Add(TierMedium.Nvme, FastBytes);
        disks.Add(TierMedium.Hdd, 256L << 20);
        await disks.OpenAsync();
        var files = await FillPastAsync(disks, fast);
        await disks.Store.DropSourceAsync(new Files.SourceId(1), CancellationToken.None);
        await TestTier.UntilAsync(() => disks.Store.GetStats() is { Blocks: 0, FillsInFlight: 0 }, "all to be gone");
        Assert.All(Enumerable.Range(0, files), file => Assert.Equal(PinStatus.Missing, disks.Read(file, 0, 10)));
    }

    private static async Task<int> FillPastAsync(TestDisks disks, string fast, int from = 0)
    {
        var file = from;
        for (; disks.StatusOf(fast).Stats!.BlocksEvicted < 10; file++)
        {
            Assert.True(file < 1000, "the faster disk never evicted");
            await disks.FillAsync(file, TestTier.BlockSize, 0);
        }

        return file;
    }

    /// <summary>A clock that can be put forward; what waits is not woken by that.</summary>
    private sealed class ShiftedTime : TimeProvider
    {
        private long _shift;

        public void Advance(TimeSpan by) => Interlocked.Add(ref _shift, (long)(by.TotalSeconds * TimestampFrequency));

        public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref _shift);
    }
}
