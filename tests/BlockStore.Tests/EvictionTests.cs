using OrleansCache.BlockStore.Tiers;
using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.BlockStore.Tests;

/// <summary>Capacity, who goes first, and who must stay.</summary>
public sealed class EvictionTests
{
    private static readonly long FileLength = 4L * TestTier.BlockSize;

    [Fact]
    public async Task The_least_recently_used_file_goes_first()
    {
        await using var tier = new TestTier(4L << 20);
        await tier.OpenAsync();
        tier.Store.SetSource(new SourceId(1), new SourceCaching(EvictionKind.Lru, 0));
        for (var file = 0; file < 3; file++)
        {
            await tier.FillAllAsync(file, FileLength);
        }

        tier.Store.Touch(TestTier.Key(0));
        await tier.FillAllAsync(3, FileLength);
        await tier.FillAsync(4, FileLength, 0);
        Assert.Equal(PinStatus.Pinned, tier.Read(0, 0, (int)FileLength));
        Assert.NotEqual(PinStatus.Pinned, tier.Read(1, 0, (int)FileLength));
        Assert.True(tier.Store.GetStats().BlocksEvicted > 0);
        await AssertDiskMatchesAsync(tier);
    }

    [Fact]
    public async Task A_file_larger_than_the_tier_streams_through_it()
    {
        await using var tier = new TestTier(2L << 20);
        await tier.OpenAsync();
        var length = 40L * TestTier.BlockSize;
        for (var block = 0; block < 40; block++)
        {
            Assert.Equal(FillStatus.Started, await tier.FillAsync(1, length, block));
            Assert.Equal(PinStatus.Pinned, tier.Read(1, (long)block * TestTier.BlockSize, TestTier.BlockSize));
            Assert.True(tier.Store.GetStats().UsedBytes <= tier.CapacityBytes);
        }

        await AssertDiskMatchesAsync(tier);
    }

    [Fact]
    public async Task Capacity_holds_under_many_fillers()
    {
        await using var tier = new TestTier(3L << 20);
        await tier.OpenAsync();
        long most = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 60; i++)
            {
                var (file, block) = (random.Next(20), random.Next(4));
                await tier.FillAsync(file, FileLength, block);
                tier.Read(file, (long)block * TestTier.BlockSize, 100);
                InterlockedMax(ref most, tier.Store.GetStats().UsedBytes);
            }
        })));
        Assert.InRange(most, tier.CapacityBytes / 2, tier.CapacityBytes);
        await AssertDiskMatchesAsync(tier);
    }

    [Fact]
    public async Task A_tier_full_of_leased_files_refuses_and_recovers_when_leases_end()
    {
        await using var tier = new TestTier(2L << 20);
        await tier.OpenAsync();
        var leases = new List<ResidencyLease>();
        for (var file = 0; file < 2; file++)
        {
            // Leased before the tier is nearly full, when the store would begin to evict what is not.
            Assert.Equal(FillStatus.Started, await tier.FillAsync(file, FileLength, 0));
            Assert.Equal(LeaseStatus.Leased, tier.Store.TryLease(TestTier.Key(file), out var lease));
            leases.Add(lease!);
            for (var block = 1; block < TestTier.Layout.CountFor(FileLength); block++)
            {
                Assert.Equal(FillStatus.Started, await tier.FillAsync(file, FileLength, block));
            }
        }

        Assert.Equal(FillStatus.Full, await tier.FillAsync(2, FileLength, 0));
        Assert.Equal(1, tier.Store.GetStats().FillsRefusedFull);
        Assert.Equal(PinStatus.Pinned, tier.Read(0, 0, (int)FileLength));
        leases.ForEach(lease => lease.Dispose());

        // A process that another test starts at this moment has copies of the descriptors until its exec.
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var status = FillStatus.Full;
        while (status == FillStatus.Full && clock.Elapsed < TestTier.Limit)
        {
            status = await tier.FillAsync(2, FileLength, 0);
        }

        Assert.Equal(FillStatus.Started, status);
    }

    [Fact]
    public async Task A_source_over_its_quota_makes_room_of_its_own()
    {
        await using var tier = new TestTier(8L << 20);
        await tier.OpenAsync();
        var other = TestTier.Request(100, FileLength, 0) with { Source = new SourceId(2) };
        var kept = await tier.Store.BeginFillAsync(other, CancellationToken.None);
        Assert.True(TestTier.WriteAll(kept.Fill!, TestTier.Key(100)) && await kept.Fill!.CompleteAsync(CancellationToken.None));
        tier.Store.SetSource(new SourceId(1), new SourceCaching(EvictionKind.S3Fifo, 1 << 20));
        long Held() => tier.Store.EnumerateFiles().Where(file => file.Source == new SourceId(1)).Sum(file => file.ResidentBytes);
        for (var file = 0; file < 5; file++)
        {
            for (var block = 0; block < 4; block++)
            {
                Assert.Equal(FillStatus.Started, await tier.FillAsync(file, FileLength, block));
                Assert.InRange(Held(), 1, (1 << 20) + TestTier.BlockSize);
            }
        }

        await TestTier.UntilAsync(() => Held() <= 1 << 20, "the source to be within its quota");
        Assert.Equal(PinStatus.Pinned, tier.Read(100, 0, TestTier.BlockSize));
        tier.Store.SetSource(new SourceId(1), default);
        await tier.FillAllAsync(6, FileLength);
        await tier.FillAllAsync(7, FileLength);
        Assert.InRange(Held(), 2 << 20, 4 << 20);
        await AssertDiskMatchesAsync(tier);
    }

    [Fact]
    public async Task A_source_at_its_quota_waits_for_a_file_that_is_busy_for_a_moment()
    {
        await using var tier = new TestTier(8L << 20) { EvictionWaitMax = TestTier.Limit * 2 };
        await tier.OpenAsync();
        tier.Store.SetSource(new SourceId(1), new SourceCaching(EvictionKind.S3Fifo, 1 << 20));
        await tier.FillAllAsync(0, FileLength);
        Assert.Equal(PinStatus.Pinned, tier.Store.TryPin(TestTier.Key(0), 0, (int)FileLength, out var pin));
        for (var block = 0; block < 3; block++)
        {
            Assert.Equal(FillStatus.Started, await tier.FillAsync(1, FileLength, block));
        }

        // Blocks of the first file are hidden and wait for its reader to be punched; till then no more of it can go.
        var waiting = tier.FillAsync(1, FileLength, 3);
        await Task.WhenAny(waiting, Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, CancellationToken.None));
        Assert.False(waiting.IsCompleted);
        TestTier.AssertBytes(TestTier.Key(0), 0, pin);
        pin.Dispose();
        Assert.Equal(FillStatus.Started, await waiting);
    }

    [Fact]
    public async Task A_source_whose_quota_is_all_leased_is_refused_and_others_are_not()
    {
        await using var tier = new TestTier(8L << 20);
        await tier.OpenAsync();
        await tier.FillAllAsync(0, FileLength);
        Assert.Equal(LeaseStatus.Leased, tier.Store.TryLease(TestTier.Key(0), out var lease));
        tier.Store.SetSource(new SourceId(1), new SourceCaching(EvictionKind.Lru, 512 << 10));
        Assert.Equal(FillStatus.Refused, await tier.FillAsync(1, FileLength, 0));
        Assert.Equal(PinStatus.Pinned, tier.Read(0, 0, (int)FileLength));
        var other = TestTier.Request(100, FileLength, 0) with { Source = new SourceId(2) };
        using (var fill = (await tier.Store.BeginFillAsync(other, CancellationToken.None)).Fill)
        {
            Assert.NotNull(fill);
        }

        lease!.Dispose();
        Assert.Equal(FillStatus.Started, await tier.FillAsync(1, FileLength, 0));
    }

    [Fact]
    public async Task A_share_that_is_all_leased_does_not_keep_the_others_from_making_room()
    {
        await using var tier = new TestTier(16L << 20);
        await tier.OpenAsync();
        var leases = new List<ResidencyLease>();
        for (var file = 0; file < 10; file++)
        {
            Assert.Equal(FillStatus.Started, await tier.FillAsync(file, FileLength, 0));
            Assert.Equal(LeaseStatus.Leased, tier.Store.TryLease(TestTier.Key(file), out var lease));
            leases.Add(lease!);
            for (var block = 1; block < 4; block++)
            {
                Assert.Equal(FillStatus.Started, await tier.FillAsync(file, FileLength, block));
            }
        }

        // Another policy, so queues of its own, which hold less: those that are leased are asked first.
        tier.Store.SetSource(new SourceId(2), new SourceCaching(EvictionKind.Lru, 0));
        for (var file = 100; file < 112; file++)
        {
            for (var block = 0; block < 4; block++)
            {
                var request = TestTier.Request(file, FileLength, block) with { Source = new SourceId(2) };
                using var fill = (await tier.Store.BeginFillAsync(request, CancellationToken.None).AsTask().WaitAsync(TestTier.Limit)).Fill;
                Assert.True(fill is not null, $"file {file} block {block} was refused");
                Assert.True(TestTier.WriteAll(fill, TestTier.Key(file)) && await fill.CompleteAsync(CancellationToken.None));
            }
        }

        Assert.All(Enumerable.Range(0, 10), file => Assert.Equal(PinStatus.Pinned, tier.Read(file, 0, (int)FileLength)));
        leases.ForEach(lease => lease.Dispose());
    }

    /// <summary>docs/SEMANTICS.md 11.5: what waits to be copied to a slower disk that hangs keeps no fill waiting.</summary>
    [Fact]
    public async Task Blocks_that_wait_for_a_disk_that_hangs_do_not_stop_fills()
    {
        await using var tier = new TestTier(32L << 20);
        var waiting = new List<ReadPin>();
        var options = tier.Options();
        options.Evicting = copy =>
        {
            var isRoom = (waiting.Count + 1) * TestTier.BlockSize <= tier.CapacityBytes / TieredBlockStore.QueuedShare;
            if (isRoom)
            {
                waiting.Add(copy.Pin);
            }

            return isRoom;
        };
        await tier.OpenAsync(options);
        for (var file = 0; file < 300; file++)
        {
            Assert.Equal(FillStatus.Started, await tier.FillAsync(file, TestTier.BlockSize, 0));
        }

        Assert.NotEmpty(waiting);
        waiting.ForEach(pin => pin.Dispose());
    }

    [Fact]
    public async Task A_large_file_is_given_up_extent_by_extent()
    {
        await using var tier = new TestTier(1L << 20);
        await tier.OpenAsync();
        var length = 70L << 20; // Two extents: 256 blocks, and the rest.
        foreach (var block in (int[])[0, 1, 256])
        {
            Assert.Equal(FillStatus.Started, await tier.FillAsync(0, length, block));
        }

        Assert.Equal(FillStatus.Started, await tier.FillAsync(1, FileLength, 0));
        Assert.Equal(FillStatus.Started, await tier.FillAsync(1, FileLength, 1));
        Assert.Equal(PinStatus.Pinned, tier.Read(0, 64L << 20, TestTier.BlockSize));
        Assert.Equal(PinStatus.Missing, tier.Read(0, 0, 2 * TestTier.BlockSize));
        await AssertDiskMatchesAsync(tier);
    }

    [Fact]
    public async Task A_pinned_range_keeps_its_bytes_while_its_file_is_dropped()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAllAsync(1, FileLength);
        Assert.Equal(PinStatus.Pinned, tier.Store.TryPin(TestTier.Key(1), 0, (int)FileLength, out var pin));
        await tier.Store.DropAsync(TestTier.Key(1), CancellationToken.None).AsTask().WaitAsync(TestTier.Limit);
        Assert.Equal(PinStatus.Missing, tier.Read(1, 0, 1));
        Assert.Equal(FileLength, tier.Store.GetStats().UsedBytes);
        TestTier.AssertBytes(TestTier.Key(1), 0, pin);
        await tier.FillAllAsync(1, FileLength);
        TestTier.AssertBytes(TestTier.Key(1), 0, pin);
        pin.Dispose();
        await TestTier.UntilAsync(() => tier.Store.GetStats().UsedBytes == FileLength, "the dropped file's space to return");
    }

    [Fact]
    public async Task Dropping_a_source_drops_its_files_and_ends_its_fills()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAllAsync(1, FileLength);
        var running = await tier.Store.BeginFillAsync(TestTier.Request(2, FileLength, 0), CancellationToken.None);
        Assert.True(running.Fill!.Write(0, new byte[100]));
        var other = TestTier.Request(3, 5000, 0) with { Source = new SourceId(99) };
        var kept = await tier.Store.BeginFillAsync(other, CancellationToken.None);
        Assert.True(TestTier.WriteAll(kept.Fill!, TestTier.Key(3)) && await kept.Fill!.CompleteAsync(CancellationToken.None));

        Assert.Equal(2, await tier.Store.DropSourceAsync(new SourceId(1), CancellationToken.None).AsTask().WaitAsync(TestTier.Limit));
        Assert.Equal(FillFailure.Dropped, running.Progress!.Failure);
        Assert.False(running.Fill.Write(100, new byte[1]));
        Assert.Equal(TestTier.Key(3), Assert.Single(tier.Store.EnumerateFiles()).File);
        await tier.OpenAsync();
        Assert.Equal(PinStatus.Missing, tier.Read(1, 0, 1));
        Assert.Equal(PinStatus.Pinned, tier.Read(3, 0, 5000));
    }

    [Fact]
    public async Task Files_beyond_the_descriptor_limit_are_closed_and_open_again_when_read()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync(new BlockStoreOptions
        {
            Directory = tier.Root,
            CapacityBytes = tier.CapacityBytes,
            FreeSpaceFloorBytes = 0,
            OpenFilesMax = 16,
            PackedMaxBytes = 0,
            BarrierPeriod = TimeSpan.FromMilliseconds(20),
        });
        for (var file = 0; file < 60; file++)
        {
            await tier.FillAsync(file, 100, 0);
        }

        await TestTier.UntilAsync(() => tier.Store.GetStats().OpenFiles <= 16, "idle files to be closed");
        for (var file = 0; file < 60; file++)
        {
            Assert.Equal(PinStatus.Pinned, tier.Read(file, 0, 100));
        }
    }

    private static void InterlockedMax(ref long most, long value)
    {
        for (var seen = Volatile.Read(ref most); value > seen;)
        {
            seen = Interlocked.CompareExchange(ref most, value, seen);
        }
    }

    /// <summary>What the store says it uses is what the file system says.</summary>
    private static async Task AssertDiskMatchesAsync(TestTier tier)
    {
        long OnDisk() => Directory.EnumerateFiles(Path.Combine(tier.Root, "files"), "*", SearchOption.AllDirectories)
            .Sum(path => long.Parse(Processes.Run("stat", "-c", "%b", path), System.Globalization.CultureInfo.InvariantCulture) * 512);
        Processes.Run("sync", "-f", tier.Root);
        await TestTier.UntilAsync(
            () =>
            {
                var stats = tier.Store.GetStats();
                return stats.UsedBytes == stats.ResidentBytes && OnDisk() - stats.UsedBytes is >= 0 and <= 64 * 1024;
            },
            "the disk to hold what the store says");
        foreach (var file in tier.Store.EnumerateFiles())
        {
            Assert.Equal(0, (await tier.Store.VerifyAsync(file.File, CancellationToken.None)).BlocksCorrupt);
        }
    }
}
