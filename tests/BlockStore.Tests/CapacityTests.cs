namespace OrleansCache.BlockStore.Tests;

/// <summary>The capacity holds: what the file system says is taken never passes it by more than the journal's share.</summary>
public sealed class CapacityTests
{
    private const long Length = 3L * 262_144;
    private const int Fillers = 4;

    [PowerCutFact]
    public async Task Concurrent_fills_and_evictions_never_pass_the_capacity()
    {
        const long Capacity = 16L << 20, JournalShare = 3L << 20;
        using var disk = new LoopDisk();
        var point = disk.Create(Path.Combine(disk.Root, "disk.img"), "disk", 96, ["mkfs.ext4", "-q", "-F"]);
        var root = Directory.CreateDirectory(Path.Combine(point, "tier")).FullName;
        await using (var tier = new TestTier(Capacity, root) { EvictionWaitMax = TestTier.Limit })
        {
            await tier.OpenAsync();
            var before = TakenBytes(point);
            using var stop = new CancellationTokenSource();
            var watching = Task.Run(() => WatchAsync(tier, point, stop.Token));
            await Task.WhenAll(Enumerable.Range(0, Fillers).Select(filler => Task.Run(() => FillManyAsync(tier, filler))));
            await stop.CancelAsync();
            var (used, taken, samples) = await watching;
            Assert.True(samples > 20, $"only {samples} samples");
            Assert.InRange(used, Capacity / 2, Capacity);
            Assert.InRange(taken - before, Capacity / 2, Capacity + (Fillers * (long)TestTier.BlockSize) + JournalShare);
            Assert.True(tier.Store.GetStats().BlocksEvicted > 100);
        }

        disk.Unmount(point);
    }

    [Fact]
    public async Task Leased_and_pinned_bytes_stay_on_the_account_until_they_are_let_go()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        await tier.FillAllAsync(2, Length);
        Assert.Equal(LeaseStatus.Leased, tier.Store.TryLease(TestTier.Key(1), out var lease));
        Assert.Equal(PinStatus.Pinned, tier.Store.TryPin(TestTier.Key(2), 0, 1, out var pin));
        await tier.Store.DropAsync(TestTier.Key(1), CancellationToken.None);
        await tier.Store.DropAsync(TestTier.Key(2), CancellationToken.None);
        Assert.Equal((2 * Length, 0), (tier.Store.GetStats().UsedBytes, tier.Store.GetStats().ResidentBytes));
        pin.Dispose();
        await TestTier.UntilAsync(() => tier.Store.GetStats().UsedBytes == Length, "the pinned file to be closed");
        Assert.Equal(Length, tier.Store.GetStats().UnlinkedOpenBytes);
        lease!.Dispose();
        await TestTier.UntilAsync(() => tier.Store.GetStats().UsedBytes == 0, "the leased file to be closed");
    }

    private static async Task FillManyAsync(TestTier tier, int filler)
    {
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(FillStatus.Started, await tier.FillAsync((filler * 1000) + (i / 3), Length, i % 3));
        }
    }

    private static async Task<(long Used, long Taken, int Samples)> WatchAsync(TestTier tier, string point, CancellationToken stop)
    {
        long used = 0, taken = 0;
        var samples = 0;
        for (; !stop.IsCancellationRequested; samples++)
        {
            used = Math.Max(used, tier.Store.GetStats().UsedBytes);
            taken = Math.Max(taken, TakenBytes(point));
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, CancellationToken.None);
        }

        return (used, taken, samples);
    }

    private static long TakenBytes(string point)
    {
        var drive = new DriveInfo(point);
        return drive.TotalSize - drive.TotalFreeSpace;
    }
}
