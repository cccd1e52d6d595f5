using OrleansCache.PowerCut;
using Xunit.Abstractions;

namespace OrleansCache.BlockStore.Tests;

/// <summary>kill -9 of a process that fills, evicts, drops and checkpoints as fast as it can.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Nothing_acknowledged_is_lost_by_a_kill_and_nothing_needs_verification()
    {
        await using var tier = new TestTier(128L << 20) { Boot = BootId.Read() };
        var total = 0;
        for (var round = 0; round < 4; round++)
        {
            using var hammer = new HammerLog(tier.Root, seed: round * 100, capacityMiB: 128);
            var until = 30 + Random.Shared.Next(60);
            await TestTier.UntilAsync(() => hammer.LineCount > until, "the child to fill");
            hammer.AssertRuns();
            await hammer.KillAsync();

            await tier.OpenAsync();
            var served = await Workloads.ServedAsync(tier.Store, verify: false);
            var acknowledged = hammer.Acknowledged(int.MaxValue);
            total += acknowledged.Count;
            Assert.Empty(acknowledged.Except(served));
            Assert.Equal((0, 0), (tier.Store.GetStats().UnprovenBytes, tier.Store.GetStats().CorruptBlocks));
            await tier.CloseAsync();
        }

        output.WriteLine($"{total} blocks acknowledged");
        Assert.True(total > 50, $"only {total} blocks acknowledged: the test saw too little");
    }

    [Fact]
    public async Task A_kill_amid_evictions_leaves_no_wrong_block_and_no_leaked_space()
    {
        await using var tier = new TestTier(16L << 20) { Boot = BootId.Read() };
        for (var round = 0; round < 4; round++)
        {
            using var hammer = new HammerLog(tier.Root, seed: round, capacityMiB: 16);
            var until = 60 + Random.Shared.Next(60);
            await TestTier.UntilAsync(() => hammer.LineCount > until, "the child to evict");
            hammer.AssertRuns();
            await hammer.KillAsync();

            await tier.OpenAsync();
            await Workloads.ServedAsync(tier.Store, verify: false);
            var stats = tier.Store.GetStats();
            Assert.Equal((0, 0), (stats.UnprovenBytes, stats.CorruptBlocks));
            Assert.InRange(stats.UsedBytes, 1, tier.CapacityBytes);
            var onDisk = Workload.Files * 4096 + stats.UsedBytes + (3L * Workload.BlockSizeBytes * Workload.KeptFiles);
            Assert.InRange(DiskBytes(tier.Root), 1, onDisk);
            await tier.CloseAsync();
        }
    }

    private static long DiskBytes(string root) => long.Parse(
        Processes.Run("du", "-s", "--block-size=1", Path.Combine(root, "files")).Split('\t')[0],
        System.Globalization.CultureInfo.InvariantCulture) - (257 * 4096);
}
