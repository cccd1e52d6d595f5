using OrleansCache.Files;
using OrleansCache.Namespaces;
using Xunit.Abstractions;

namespace OrleansCache.BlockStore.Tests;

/// <summary>Evicting packed objects and getting their bytes back.</summary>
public sealed class PackedEvictionTests(ITestOutputHelper output)
{
    private const long Capacity = 16L << 20; // 16 segments of 1 MiB.
    private const long PackedSpaceMax = 30_016; // Of one of these files.
    private const int Files = 1500; // About 30 MiB.

    [Fact]
    public async Task Twice_what_fits_is_filled_and_read_without_a_wrong_byte_or_a_byte_too_many()
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        await using var tier = new TestTier(Capacity) { EvictionWaitMax = TestTier.Limit, BarrierPeriod = TimeSpan.FromMilliseconds(50) };
        await tier.OpenAsync();
        using var ended = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 2).Select(n => Task.Run(() => ReadUntil(tier, new Random(seed + n), ended.Token))).ToList();
        var fillers = Enumerable.Range(0, 3).Select(n => Task.Run(() => FillManyAsync(tier, new Random(seed + 10 + n), 2500))).ToList();
        await Task.WhenAll(fillers).WaitAsync(TestTier.Limit * 6);
        await ended.CancelAsync();
        var hits = (await Task.WhenAll(readers)).Sum();
        var stats = tier.Store.GetStats();
        output.WriteLine($"{hits} reads hit, {stats.BlocksEvicted} evicted, {stats.PackedMovedBytes} bytes moved, {stats.PackedObjects} left");
        Assert.True(hits > 100, $"only {hits} reads saw something");
        Assert.True(stats.BlocksEvicted > 1000, $"only {stats.BlocksEvicted} evicted");
        Assert.Equal((0, true), (stats.CorruptBlocks, stats.Healthy));
        Assert.InRange(stats.PackedBytes, Capacity / 3, Capacity);
        await using var killed = await tier.CopyAsKilledAsync();
        await killed.OpenAsync();
        await CheckAllAsync(killed);
        Assert.Equal(0, killed.Store.GetStats().UnprovenBytes);
    }

    [Fact]
    public async Task A_segment_with_little_left_is_compacted_and_removed()
    {
        await using var tier = new TestTier(Capacity);
        await tier.OpenAsync();
        for (var file = 0; file < 400; file++)
        {
            Assert.Equal(FillStatus.Started, await tier.FillAsync(file, LengthOf(file), 0));
        }

        var before = tier.Store.GetStats();
        for (var file = 0; file < 400; file++)
        {
            if (file % 8 != 0)
            {
                await tier.Store.DropAsync(TestTier.Key(file), CancellationToken.None);
            }
        }

        await TestTier.UntilAsync(() => tier.Store.GetStats().PackedSegments <= 3, "compaction");
        var stats = tier.Store.GetStats();
        Assert.True(before.PackedSegments > 6 && stats.PackedMovedBytes > 0, $"{before} {stats}");
        await AssertEveryEighthAsync(tier);
        await using var killed = await tier.CopyAsKilledAsync();
        killed.Boot = Guid.NewGuid(); // What was moved is recorded, but no barrier covers the records.
        await killed.OpenAsync();
        await AssertEveryEighthAsync(killed);
    }

    [Fact]
    public async Task Damaged_objects_are_not_moved_but_dropped()
    {
        await using var tier = new TestTier(Capacity);
        await tier.OpenAsync();
        for (var file = 0; file < 200; file++)
        {
            await tier.FillAsync(file, LengthOf(file), 0);
        }

        foreach (var path in Directory.EnumerateFiles(Path.Combine(tier.Root, "packed")))
        {
            using var segment = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            segment.Write(new byte[1 << 19]); // The first half of each: at least every object that begins there.
        }

        for (var file = 0; file < 200; file++)
        {
            if (file % 8 != 0)
            {
                await tier.Store.DropAsync(TestTier.Key(file), CancellationToken.None);
            }
        }

        await TestTier.UntilAsync(() => tier.Store.GetStats() is { CorruptBlocks: > 0, PackedSegments: <= 2 }, "compaction");
        var stats = tier.Store.GetStats();
        Assert.Equal(25, stats.CorruptBlocks + stats.PackedObjects);
    }

    [Fact]
    public async Task A_pinned_object_is_readable_until_it_is_let_go()
    {
        await using var tier = new TestTier(Capacity);
        await tier.OpenAsync();
        for (var file = 0; file < 100; file++)
        {
            await tier.FillAsync(file, LengthOf(file), 0);
        }

        Assert.Equal(PinStatus.Pinned, tier.Store.TryPin(TestTier.Key(0), 0, LengthOf(0), out var pin));
        for (var file = 0; file < 100; file++)
        {
            await tier.Store.DropAsync(TestTier.Key(file), CancellationToken.None);
        }

        var segment = Path.Combine(tier.Root, "packed", "00000000");
        await TestTier.UntilAsync(() => tier.Store.GetStats().PackedSegments <= 3, "the other full segments to go");
        Assert.True(File.Exists(segment));
        TestTier.AssertBytes(TestTier.Key(0), 0, pin);
        pin.Dispose();
        await TestTier.UntilAsync(() => !File.Exists(segment), "the pinned segment to go");
        Assert.Equal(0, tier.Store.GetStats().ResidentBytes);
    }

    [Fact]
    public async Task Fills_are_refused_only_when_those_under_way_take_the_tier_and_it_goes_on_when_they_end()
    {
        const int Length = 100_000;
        await using var tier = new TestTier(Capacity) { PackedMaxBytes = Length, EvictionWaitMax = TestTier.Limit };
        await tier.OpenAsync();
        for (var file = 0; file < 200; file++)
        {
            Assert.Equal(FillStatus.Started, await tier.FillAsync(file, Length, 0)); // More than fits: the tier is full.
        }

        var fills = new List<(int File, IBlockFill Fill)>();
        FillAttempt attempt;
        for (var file = 1000; ; file++)
        {
            attempt = await tier.Store.BeginFillAsync(TestTier.Request(file, Length, 0), CancellationToken.None);
            if (attempt.Fill is not { } fill)
            {
                break;
            }

            fills.Add((file, fill));
        }

        output.WriteLine($"{fills.Count} fills at once");
        Assert.Equal(FillStatus.Full, attempt.Status);
        Assert.InRange(fills.Count, Capacity / Length / 2, Capacity / Length);
        await Task.WhenAll(fills.Select(async one =>
        {
            Assert.True(TestTier.WriteAll(one.Fill, TestTier.Key(one.File)));
            Assert.True(await one.Fill.CompleteAsync(CancellationToken.None));
        })).WaitAsync(TestTier.Limit);
        for (var file = 2000; file < 2100; file++)
        {
            Assert.Equal(FillStatus.Started, await tier.FillAsync(file, Length, 0));
        }

        Assert.Equal(PinStatus.Pinned, tier.Read(2099, 0, Length));
        Assert.Equal(0, tier.Store.GetStats().CorruptBlocks);
    }

    [Fact]
    public async Task A_source_over_its_quota_makes_room_of_its_own()
    {
        const long Quota = 1 << 20;
        await using var tier = new TestTier(4 * Capacity) { EvictionWaitMax = TestTier.Limit };
        await tier.OpenAsync();
        var other = TestTier.Request(100_000, 5000, 0) with { Source = new SourceId(2) };
        var kept = await tier.Store.BeginFillAsync(other, CancellationToken.None);
        Assert.True(TestTier.WriteAll(kept.Fill!, TestTier.Key(100_000)) && await kept.Fill!.CompleteAsync(CancellationToken.None));
        tier.Store.SetSource(new SourceId(1), new SourceCaching(EvictionKind.Lru, Quota));
        for (var file = 0; file < 300; file++)
        {
            Assert.Equal(FillStatus.Started, await tier.FillAsync(file, LengthOf(file), 0)); // 5.7 MiB in all.
            Assert.InRange(Held(), 1, Quota + PackedSpaceMax);
        }

        Assert.Equal(FillStatus.Resident, await tier.FillAsync(299, LengthOf(299), 0)); // Needs no room.
        Assert.Equal(PinStatus.Pinned, tier.Read(100_000, 0, 5000));
        tier.Store.SetSource(new SourceId(1), default);
        for (var file = 1000; file < 1200; file++)
        {
            Assert.Equal(FillStatus.Started, await tier.FillAsync(file, LengthOf(file), 0));
        }

        Assert.InRange(Held(), 2 * Quota, 4 * Capacity);

        long Held() => tier.Store.EnumerateFiles().Where(file => file.Source == new SourceId(1)).Sum(file => file.ResidentBytes);
    }

    private static int LengthOf(int file) => 10_000 + ((file * 7919) % 20_000);

    private static async Task FillManyAsync(TestTier tier, Random random, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var file = random.Next(Files);
            var status = await tier.FillAsync(file, LengthOf(file), 0);
            Assert.True(status is FillStatus.Started or FillStatus.Resident or FillStatus.InFlight, $"{status}");
            Assert.InRange(tier.Store.GetStats().UsedBytes, 0, Capacity);
        }
    }

    private static int ReadUntil(TestTier tier, Random random, CancellationToken ended)
    {
        var hits = 0;
        while (!ended.IsCancellationRequested)
        {
            var file = random.Next(Files);
            hits += tier.Read(file, 0, LengthOf(file)) == PinStatus.Pinned ? 1 : 0;
        }

        return hits;
    }

    private static async Task CheckAllAsync(TestTier tier)
    {
        foreach (var stored in tier.Store.EnumerateFiles().ToList())
        {
            Assert.Equal(new VerifyReport(1, 0), await tier.Store.VerifyAsync(stored.File, CancellationToken.None));
        }
    }

    private static async Task AssertEveryEighthAsync(TestTier tier)
    {
        for (var file = 0; file < 400; file += 8)
        {
            Assert.True(await tier.Store.EnsureVerifiedAsync(TestTier.Key(file), 0, LengthOf(file), CancellationToken.None));
            Assert.Equal(PinStatus.Pinned, tier.Read(file, 0, LengthOf(file)));
        }

        Assert.Equal(50, tier.Store.GetStats().PackedObjects);
    }
}
