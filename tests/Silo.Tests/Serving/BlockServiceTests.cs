using OrleansCache.DataPlane;
using OrleansCache.Files;
using OrleansCache.Silo.Tests.Fakes;

namespace OrleansCache.Silo.Tests.Serving;

/// <summary>What the block server gets: rights, residency, leases, statistics.</summary>
public sealed class BlockServiceTests
{
    [Fact]
    public async Task Nothing_is_said_about_a_key_that_was_not_presented()
    {
        await using var bench = await ServingBench.CreateAsync();
        var key = new FileKey(1, 2);
        Assert.Equal(ReadStatus.CapabilityRequired, (await bench.Service.EnsureAsync(key, 0, 1, default)).Status);
        Assert.Equal(ReadStatus.CapabilityRequired, bench.Service.TryPin(key, 0, 1, out _));
        Assert.Equal(ReadStatus.CapabilityRequired, bench.Service.TryLease(key, out _));
        Assert.Equal(ReadStatus.CapabilityRequired, await bench.Service.ReadThroughAsync(key, 0, new byte[1], default));
        bench.Service.Prefetch(key, 0, 1);
        bench.Service.Report(new UsageReport(key, 1, 1));
        Assert.Empty(bench.Storage.Reads);
    }

    [Fact]
    public async Task A_forged_or_expired_capability_is_refused()
    {
        await using var bench = await ServingBench.CreateAsync();
        var good = bench.Present(1000);
        var forged = good with { Path = "another" };
        Assert.Equal(ReadStatus.CapabilityRefused, bench.Service.Present(forged));
        var expired = ReadCapability.Issue(
            good.Source, good.Path, good.File, good.Version, good.Layout, DateTimeOffset.UtcNow.AddSeconds(-1), new byte[32]);
        Assert.Equal(ReadStatus.CapabilityRefused, bench.Service.Present(expired));
    }

    [Fact]
    public async Task A_right_ends_when_its_time_is_over()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(1000, validFor: TimeSpan.FromSeconds(2));
        await bench.ReadRightAsync(file);
        await ServingBench.UntilAsync(
            () => bench.Service.TryPin(file.Key, 0, 1, out _) == ReadStatus.CapabilityRequired, "the right has ended");
        Assert.Equal(ReadStatus.CapabilityRequired, (await bench.Service.EnsureAsync(file.Key, 0, 1, default)).Status);
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, 0)]
    [InlineData(0, -5)]
    [InlineData(1000, 1)]
    [InlineData(long.MaxValue, long.MaxValue)]
    public async Task A_range_outside_the_file_is_invalid(long offset, long length)
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(1000);
        Assert.Equal(ReadStatus.InvalidRequest, (await bench.Service.EnsureAsync(file.Key, offset, length, default)).Status);
        Assert.Equal(
            ReadStatus.NotFound, bench.Service.TryPin(file.Key, offset, (int)Math.Clamp(length, int.MinValue, int.MaxValue), out _));
        bench.Service.Prefetch(file.Key, offset, length);
        Assert.Equal(0, bench.Pipeline.Flights);
    }

    [Fact]
    public async Task A_range_is_cut_at_the_end_of_the_file()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(1000);
        await bench.ReadRightAsync(file);
        await bench.IdleAsync();
        var outcome = await bench.Service.EnsureAsync(file.Key, 900, long.MaxValue, default);
        Assert.Equal(100, outcome.AvailableBytes);
        Assert.True(outcome.WasResident);
    }

    [Fact]
    public async Task Hits_and_misses_are_requests_and_reports_count_as_hits()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(1000);
        await bench.ReadRightAsync(file);
        await bench.IdleAsync();
        Assert.Equal((0, 1, 0), (bench.Counters.Hits, bench.Counters.Misses, bench.Counters.BytesFromCache));
        await bench.ReadRightAsync(file);
        Assert.Equal((1, 1, 1000), (bench.Counters.Hits, bench.Counters.Misses, bench.Counters.BytesFromCache));
        bench.Service.Report(new UsageReport(file.Key, 5, 500));
        bench.Service.Report(new UsageReport(file.Key, -5, long.MinValue));
        Assert.Equal((6, 1, 1500), (bench.Counters.Hits, bench.Counters.Misses, bench.Counters.BytesFromCache));
        Assert.Equal(1, bench.Counters.UnderStorageReads);
    }

    [Fact]
    public async Task A_cold_read_that_comes_in_pieces_is_one_miss()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present((2 * ServingBench.BlockBytes) + 5);
        await bench.ReadRightAsync(file);
        await bench.IdleAsync();
        Assert.Equal((0, 1), (bench.Counters.Hits, bench.Counters.Misses));
        Assert.Equal(3, bench.Counters.UnderStorageReads); // one a block
    }

    [Fact]
    public async Task An_answer_names_the_cache_file_that_the_bytes_arrived_in()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(2 * ServingBench.BlockBytes);
        var arrival = await bench.Pipeline.ArriveAsync(file, 0, 0, 1, CancellationToken.None);
        await bench.IdleAsync();
        Assert.Equal(bench.Store.GetResidency(file.Key).Generation, arrival.Generation);
        await bench.Store.DropAsync(file.Key, CancellationToken.None);
        var again = await bench.Service.EnsureAsync(file.Key, 0, 1, CancellationToken.None);
        Assert.NotEqual((ulong)arrival.Generation, again.Generation);
        Assert.Equal((ulong)bench.Store.GetResidency(file.Key).Generation, again.Generation);
    }

    [Fact]
    public async Task A_lease_shows_what_is_resident_and_its_descriptor_reads_it()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(3 * ServingBench.BlockBytes);
        Assert.Equal(ReadStatus.NotFound, bench.Service.TryLease(file.Key, out _));
        var outcome = await bench.Service.EnsureAsync(file.Key, ServingBench.BlockBytes, 1, default);
        await bench.IdleAsync();
        Assert.Equal(ReadStatus.Ok, bench.Service.TryLease(file.Key, out var part));
        using (part)
        {
            Assert.False(part!.IsComplete);
            Assert.Equal(outcome.Generation, part.Generation);
            Assert.Equal(0b010, Assert.Single(part.ResidentBlocks.ToArray()));
            var bytes = new byte[ServingBench.BlockBytes];
            Assert.Equal(bytes.Length, RandomAccess.Read(part.Descriptor, bytes, ServingBench.BlockBytes));
            ServingBench.AssertRight(file, ServingBench.BlockBytes, bytes);
        }

        await bench.ReadRightAsync(file);
        await bench.IdleAsync();
        Assert.Equal(ReadStatus.Ok, bench.Service.TryLease(file.Key, out var whole));
        using (whole)
        {
            Assert.True(whole!.IsComplete);
            Assert.Equal(file.Version.LengthBytes, whole.LengthBytes);
        }
    }

    [Fact]
    public async Task A_packed_file_says_that_there_is_nothing_to_lease()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(1000);
        Assert.Equal(ReadStatus.NotFound, bench.Service.TryLease(file.Key, out _));
        await bench.ReadRightAsync(file);
        await bench.IdleAsync();
        Assert.Equal(ReadStatus.NotSupported, bench.Service.TryLease(file.Key, out _));
        await bench.ReadRightAsync(file);
    }

    [Fact]
    public async Task A_pin_disposed_twice_frees_nobody_elses()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(1000);
        await bench.ReadRightAsync(file);
        await bench.IdleAsync();
        Assert.Equal(ReadStatus.Ok, bench.Service.TryPin(file.Key, 0, 10, out var first));
        first.Dispose();
        Assert.Equal(ReadStatus.Ok, bench.Service.TryPin(file.Key, 0, 10, out var second));
        first.Dispose();
        second.Dispose();
        await bench.Store.DropAsync(file.Key, CancellationToken.None).AsTask().WaitAsync(ServingBench.Soon);
        Assert.False(bench.Store.GetResidency(file.Key).Has(0));
    }

    [Fact]
    public async Task Warm_ensure_and_pin_allocate_nothing()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(4 * ServingBench.BlockBytes);
        await bench.ReadRightAsync(file);
        await bench.IdleAsync();
        long Allocated(int rounds)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var round = 0; round < rounds; round++)
            {
                var offset = round * 4096L % file.Version.LengthBytes;
                var outcome = bench.Service.EnsureAsync(file.Key, offset, 4096, default);
                Assert.True(outcome.IsCompletedSuccessfully && outcome.Result.WasResident);
                bench.Service.TryPin(file.Key, offset, 4096, out var pin);
                pin.Dispose();
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Allocated(2000);
        Assert.Equal(0, Allocated(2000));
    }

    [Fact]
    public async Task After_a_kill_what_was_cached_is_a_hit_without_grants_and_reads()
    {
        await using var before = await ServingBench.CreateAsync();
        var length = (3 * ServingBench.BlockBytes) + 5;
        await before.ReadRightAsync(before.Present(length));
        await before.IdleAsync();
        await using var after = await before.CrashAsync();
        await after.ReadRightAsync(after.Present(length));
        Assert.Empty(after.Storage.Reads);
        Assert.Equal(0, after.GrantCalls);
        Assert.Equal(0, after.Counters.Misses);
    }

    [Fact]
    public async Task After_a_new_boot_id_blocks_are_verified_and_a_corrupt_one_is_fetched_again()
    {
        await using var before = await ServingBench.CreateAsync(bootId: new Guid(1, 0, 0, new byte[8]));
        const int Length = 3 * ServingBench.BlockBytes;
        await before.ReadRightAsync(before.Present(Length, "lies"));
        await before.IdleAsync();
        await using var after = await before.CrashAsync(
            new Guid(2, 0, 0, new byte[8]), folder => Corrupt(folder, ServingBench.BlockBytes, Length));
        Assert.Equal(Length, after.Store.GetStats().UnprovenBytes);
        var file = after.Present(Length, "lies");
        Assert.Equal(ReadStatus.NotFound, after.Service.TryPin(file.Key, 0, 10, out _));
        await after.ReadRightAsync(file);
        await after.IdleAsync();
        Assert.Equal(1, after.Store.GetStats().CorruptBlocks);
        Assert.Equal(2, after.Store.GetStats().VerifiedBlocks);
        Assert.Equal(ServingBench.BlockBytes, after.Counters.BytesFromUnderStorage);
        // One an ensure at most: none when the block was fetched ahead of its own ensure.
        Assert.InRange(after.Counters.Misses, 0, ServingBench.BlockBytes / ServingBench.PieceBytes);
    }

    private static void Corrupt(string folder, int atBlock, int length)
    {
        var file = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Single(path => new FileInfo(path).Length == length);
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        stream.Position = atBlock + 100;
        stream.Write("wrong"u8);
    }
}
