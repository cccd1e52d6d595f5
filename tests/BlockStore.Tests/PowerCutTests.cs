using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.PowerCut;
using Xunit.Abstractions;

namespace OrleansCache.BlockStore.Tests;

/// <summary>
/// DESIGN 9: the store lives on ext4 in a loop file on XFS, itself in a loop file. While a child fills, reads, drops and
/// evicts, the ext4 image is cloned at random instants (FICLONE: atomic, what the "disk" had at that moment). Each clone is
/// mounted and opened under another boot id: what ext4 had not written is lost there, as by a power cut. No wrong byte may
/// be served, and what a completed barrier covered must be there.
/// </summary>
public sealed class PowerCutTests(ITestOutputHelper output)
{
    private const int CutsPerRound = 10; // Two disks of as many clones as the outer one has room for.
    private const int DiskMiB = 160;

    /// <summary>20 cuts in CI, 200 with OCACHE_TEST_LONG=1.</summary>
    private static int Rounds => Environment.GetEnvironmentVariable("OCACHE_TEST_LONG") == "1" ? 10 : 1;

    /// <summary>The files have 59 MiB: evictions all the time, or none, and then nothing that was barriered may be missing.</summary>
    [PowerCutTheory]
    [InlineData(16)]
    [InlineData(128)]
    public async Task Power_cuts_show_no_wrong_block_and_lose_no_barriered_one(int capacityMiB)
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var disk = new LoopDisk();
        var outer = disk.Create(
            Path.Combine(disk.Root, "outer.img"), "outer", 2048, ["mkfs.xfs", "-q", "-m", "reflink=1"]);
        var image = Path.Combine(outer, "store.img");
        var inner = disk.Create(image, "store", DiskMiB, ["mkfs.ext4", "-q", "-F"]);
        var tier = Directory.CreateDirectory(Path.Combine(inner, "tier")).FullName;
        var total = new Tally();
        for (var round = 0; round < Rounds; round++)
        {
            total += await CutAndExamineAsync(disk, image, tier, seed + round, random, capacityMiB);
            output.WriteLine($"{(round + 1) * CutsPerRound} cuts: {total}");
        }

        Assert.True(total.Served > Rounds * CutsPerRound * 10, $"the cuts showed too little: {total}");
        Assert.True(total.Small > Rounds * CutsPerRound * 10, $"the cuts showed too little of what is packed: {total}");
        Assert.True(total.Kept > Rounds * CutsPerRound * 2, $"the cuts showed too little of what was barriered: {total}");
        disk.Unmount(inner);
    }

    private static async Task<Tally> CutAndExamineAsync(
        LoopDisk disk, string image, string tier, int seed, Random random, int capacityMiB)
    {
        var cuts = new List<(string Clone, int LinesBefore)>();
        using var hammer = new HammerLog(tier, seed, capacityMiB);
        await TestTier.UntilAsync(() => hammer.LineCount > 40, "the child to fill");
        for (var cut = 0; cut < CutsPerRound; cut++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(20, 900)));
            hammer.AssertRuns();
            var clone = $"{image}.cut{cut}";
            var before = hammer.LineCount;
            Processes.Run("cp", "--reflink=always", image, clone);
            cuts.Add((clone, before));
        }

        await hammer.KillAsync();
        var total = new Tally();
        foreach (var (clone, before) in cuts)
        {
            total += await ExamineAsync(disk, clone, hammer.Synced(before), isEvicting: capacityMiB < 64);
            File.Delete(clone);
        }

        return total;
    }

    private static async Task<Tally> ExamineAsync(
        LoopDisk disk, string clone, HashSet<(int File, int Block)> synced, bool isEvicting)
    {
        var point = disk.Mount(clone, "clone");
        try
        {
            await using var store = await DiskBlockStore.OpenAsync(
                new BlockStoreOptions
                {
                    Directory = Path.Combine(point, "tier"),
                    CapacityBytes = 128L << 20, // Nobody leases here: nothing may be evicted while we look.
                    FreeSpaceFloorBytes = 0,
                    ReadBootId = Guid.NewGuid,
                },
                NullLogger.Instance,
                CancellationToken.None);
            var unproven = store.GetStats().UnprovenBytes;
            var served = await Workloads.ServedAsync(store, verify: true);
            // Leased files are neither evicted nor dropped, so what was barriered of them must be there. Others may have been evicted.
            var kept = synced.Where(one => !isEvicting || one.File < Workload.KeptFiles).ToHashSet();
            Assert.Empty(kept.Except(served));
            var small = served.Count(one => one.File >= Workload.LargeFiles);
            return new Tally(served.Count, small, kept.Count, unproven >> 10, store.GetStats().VerifiedBlocks, store.GetStats().CorruptBlocks);
        }
        finally
        {
            disk.Unmount(point);
        }
    }

    private readonly record struct Tally(long Served, long Small, long Kept, long UnprovenKiB, long Verified, long Lost)
    {
        public static Tally operator +(Tally a, Tally b) =>
            new(a.Served + b.Served, a.Small + b.Small, a.Kept + b.Kept, a.UnprovenKiB + b.UnprovenKiB, a.Verified + b.Verified, a.Lost + b.Lost);
    }
}

/// <summary>The same as <see cref="PowerCutFactAttribute"/>.</summary>
public sealed class PowerCutTheoryAttribute : TheoryAttribute
{
    public PowerCutTheoryAttribute() => Skip = new PowerCutFactAttribute().Skip;
}

/// <summary>Runs as root where loop devices are; elsewhere it is skipped, and says so.</summary>
public sealed class PowerCutFactAttribute : FactAttribute
{
    public PowerCutFactAttribute()
    {
        if (!LoopDisk.IsPossible)
        {
            Skip = "needs root, loop devices and xfsprogs";
        }
    }
}
