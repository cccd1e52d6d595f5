using OrleansCache.Blocks;
using OrleansCache.BlockStore;
using OrleansCache.Files;
using OrleansCache.Silo.Filling;
using OrleansCache.Silo.Tests.Fakes;

namespace OrleansCache.Silo.Tests.Filling;

/// <summary>How missing blocks come in.</summary>
public sealed class FillPipelineTests
{
    [Fact]
    public async Task A_hundred_readers_of_a_cold_block_cost_one_request()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(ServingBench.BlockBytes);
        bench.Storage.Hold();
        var readers = Enumerable.Range(0, 100).Select(async index =>
        {
            var bytes = new byte[1000];
            var status = await bench.ReadAsync(file, index * 2000, bytes);
            return (status, index, bytes);
        }).ToArray();
        bench.Storage.LetGo();
        foreach (var (status, index, bytes) in await Task.WhenAll(readers).WaitAsync(ServingBench.Soon))
        {
            Assert.Equal(ReadStatus.Ok, status);
            ServingBench.AssertRight(file, index * 2000, bytes);
        }

        Assert.Equal(("file1", 0, ServingBench.BlockBytes), Assert.Single(bench.Storage.Reads));
        Assert.Equal(1, bench.Counters.UnderStorageReads);
        Assert.Equal(ServingBench.BlockBytes, bench.Counters.BytesFromUnderStorage);
    }

    [Fact]
    public async Task The_first_byte_is_served_before_the_last_one_has_arrived()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(ServingBench.BlockBytes);
        using var second = new SemaphoreSlim(0);
        bench.Storage.Answer = (_, offset) =>
        {
            if (offset >= ServingBench.PieceBytes)
            {
                Assert.True(second.Wait(ServingBench.Soon));
            }

            return ReadStatus.Ok;
        };

        var first = await bench.Service.EnsureAsync(file.Key, 10, 100_000, default);
        Assert.Equal(ReadStatus.Ok, first.Status);
        Assert.False(first.WasResident);
        Assert.Equal(ServingBench.PieceBytes - 10, first.AvailableBytes);
        Assert.Equal(ReadStatus.Ok, bench.Service.TryPin(file.Key, 10, (int)first.AvailableBytes, out var pin));
        var bytes = new byte[first.AvailableBytes];
        using (pin)
        {
            RandomAccess.Read(pin.File, bytes, pin.FileOffsetBytes);
        }

        ServingBench.AssertRight(file, 10, bytes);
        var last = bench.Service.EnsureAsync(file.Key, ServingBench.BlockBytes - 1, 1, default).AsTask();
        Assert.False(last.IsCompleted);
        Assert.Equal(ReadStatus.NotFound, bench.Service.TryPin(file.Key, ServingBench.BlockBytes - 1, 1, out _));
        second.Release(100);
        Assert.Equal(ReadStatus.Ok, (await last.WaitAsync(ServingBench.Soon)).Status);
    }

    [Fact]
    public async Task A_range_over_many_blocks_is_read_wholly_and_once()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present((7 * ServingBench.BlockBytes) + 12_345);
        await bench.ReadRightAsync(file);
        await bench.IdleAsync();
        Assert.Equal(file.Version.LengthBytes, bench.Storage.Reads.Sum(read => (long)read.LengthBytes));
        Assert.Equal(8, bench.Storage.Reads.Count);
        await bench.ReadRightAsync(file);
        Assert.Equal(file.Version.LengthBytes, bench.Counters.BytesFromUnderStorage);
    }

    [Fact]
    public async Task A_run_of_64_blocks_costs_one_grain_call()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(64L * ServingBench.BlockBytes);
        await bench.ReadRightAsync(file);
        Assert.Equal(1, bench.GrantCalls);
    }

    [Fact]
    public async Task Small_files_cost_at_most_one_grain_call_per_shard()
    {
        await using var bench = await ServingBench.CreateAsync();
        var files = Enumerable.Range(0, 500).Select(_ => bench.Present(1000)).ToArray();
        await Task.WhenAll(files.Select(bench.ReadRightAsync)).WaitAsync(ServingBench.Soon);
        Assert.InRange(bench.GrantCalls, 1, BlockRun.SmallFileShards);
    }

    [Fact]
    public async Task Without_an_answer_of_the_grain_blocks_are_read_all_the_same()
    {
        await using var bench = await ServingBench.CreateAsync();
        bench.Grant = (_, _) => throw new TimeoutException("the grain sleeps");
        await bench.ReadRightAsync(bench.Present(100_000));
        Assert.Equal(1, bench.Grants.Unanswered);
    }

    [Theory]
    [InlineData(ReadStatus.StaleVersion, ReadStatus.StaleVersion)]
    [InlineData(ReadStatus.NotFound, ReadStatus.StaleVersion)]
    [InlineData(ReadStatus.AccessDenied, ReadStatus.AccessDenied)]
    [InlineData(ReadStatus.Unavailable, ReadStatus.Unavailable)]
    [InlineData(ReadStatus.DeadlineExceeded, ReadStatus.Unavailable)]
    public async Task A_failed_read_is_every_waiters_outcome_and_nothing_stays(ReadStatus theirs, ReadStatus ours)
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(ServingBench.BlockBytes);
        bench.Storage.Hold();
        bench.Storage.Answer = (_, offset) => offset == 0 ? ReadStatus.Ok : theirs;
        var waiters = Enumerable.Range(0, 10).Select(_ =>
            bench.Service.EnsureAsync(file.Key, ServingBench.PieceBytes, 10, default).AsTask()).ToArray();
        bench.Storage.LetGo();
        foreach (var outcome in await Task.WhenAll(waiters).WaitAsync(ServingBench.Soon))
        {
            Assert.Equal(ours, outcome.Status);
        }

        await bench.IdleAsync();
        Assert.False(bench.Store.GetResidency(file.Key).Has(0));
        Assert.Equal(ReadStatus.NotFound, bench.Service.TryPin(file.Key, 0, 10, out _));

        bench.Storage.Answer = (_, _) => ReadStatus.Ok;
        await bench.ReadRightAsync(file);
    }

    [Fact]
    public async Task A_detached_source_makes_missing_blocks_stale_and_leaves_cached_ones()
    {
        await using var bench = await ServingBench.CreateAsync();
        var cached = bench.Present(1000);
        await bench.ReadRightAsync(cached);
        await bench.IdleAsync();
        bench.Storage.IsAttached = false;
        await bench.ReadRightAsync(cached);
        Assert.Equal(ReadStatus.StaleVersion, await bench.ReadAsync(bench.Present(1000), 0, new byte[10]));
    }

    [Fact]
    public async Task A_deadline_ends_the_waiter_and_not_the_fill()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(1000);
        bench.Storage.Hold();
        using var deadline = new CancellationTokenSource();
        var waiting = bench.Service.EnsureAsync(file.Key, 0, 10, deadline.Token).AsTask();
        await deadline.CancelAsync();
        Assert.Equal(ReadStatus.DeadlineExceeded, (await waiting.WaitAsync(ServingBench.Soon)).Status);
        bench.Storage.LetGo();
        await ServingBench.UntilAsync(() => bench.Store.GetResidency(file.Key).Has(0), "the block is resident");
        Assert.Single(bench.Storage.Reads);
    }

    [Fact]
    public async Task An_under_storage_that_hangs_is_given_up_at_its_deadline()
    {
        await using var bench = await ServingBench.CreateAsync(new FillOptions
        {
            UnderStorageTimeout = TimeSpan.FromMilliseconds(50),
        });
        bench.Storage.Hold();
        var file = bench.Present(1000);
        var outcome = await bench.Service.EnsureAsync(file.Key, 0, 10, default).AsTask().WaitAsync(ServingBench.Soon);
        Assert.Equal(ReadStatus.Unavailable, outcome.Status);
    }

    [Fact]
    public async Task A_full_store_is_read_past()
    {
        // Blocks of 256 KiB cannot be in a store whose space is all leased away; here: a block larger than what is left.
        await using var bench = await ServingBench.CreateAsync(capacityBytes: 1 << 20);
        var files = Enumerable.Range(0, 4).Select(_ => bench.Present(ServingBench.BlockBytes)).ToArray();
        var pins = new List<IDisposable>();
        foreach (var file in files)
        {
            await bench.ReadRightAsync(file);
            await bench.IdleAsync();
            if (bench.Service.TryPin(file.Key, 0, ServingBench.BlockBytes, out var pin) == ReadStatus.Ok)
            {
                pins.Add(pin);
            }
        }

        var more = bench.Present(3 * ServingBench.BlockBytes);
        await bench.ReadRightAsync(more);
        await bench.ReadRightAsync(more);
        Assert.True(bench.Pipeline.ReadThroughs > 0, "nothing was read past the store");
        pins.ForEach(pin => pin.Dispose());
    }

    [Fact]
    public async Task A_source_that_has_all_it_may_does_not_keep_others_out_of_the_store()
    {
        await using var bench = await ServingBench.CreateAsync(new FillOptions { BypassFullStoreFor = TimeSpan.FromHours(1) });
        var leased = bench.Present(3 * ServingBench.BlockBytes);
        await bench.ReadRightAsync(leased);
        await bench.IdleAsync();
        Assert.Equal(LeaseStatus.Leased, bench.Store.TryLease(leased.Key, out var lease));
        bench.Store.SetSource(bench.Storage.Source, new SourceCaching(default, ServingBench.BlockBytes));
        var file = bench.Present(ServingBench.BlockBytes);
        await bench.ReadRightAsync(file);
        var before = bench.Pipeline.ReadThroughs;
        Assert.True(before > 0, "the source got more than its quota");
        lease!.Dispose();
        bench.Store.SetSource(bench.Storage.Source, default);
        await bench.ReadRightAsync(file);
        Assert.Equal(before, bench.Pipeline.ReadThroughs);
    }

    [Fact]
    public async Task Prefetches_are_bounded_dropped_when_too_many_and_never_before_a_demand()
    {
        await using var bench = await ServingBench.CreateAsync(new FillOptions
        {
            PieceBytes = ServingBench.BlockBytes,
            ConcurrentFills = 3,
            ConcurrentPrefetches = 1,
            QueuedPrefetchesMax = 5,
        });
        bench.Storage.Hold();
        var ahead = bench.Present(20L * ServingBench.BlockBytes, "ahead");
        bench.Service.Prefetch(ahead.Key, 0, ahead.Version.LengthBytes);
        Assert.InRange(bench.Pipeline.Flights, 5, 6);
        Assert.True(bench.Pipeline.RefusedPrefetches > 0, "nothing was dropped");

        var wanted = Enumerable.Range(0, 4).Select(index => bench.Present(1000, $"wanted{index}")).ToArray();
        var waiting = wanted.Select(file => bench.Service.EnsureAsync(file.Key, 0, 1, default).AsTask()).ToArray();
        await ServingBench.UntilAsync(() => bench.Storage.Reads.Count == 3, "three reads run");
        Assert.Equal(1, bench.Storage.Reads.Count(read => read.Path == "ahead"));
        bench.Storage.LetGo();
        await Task.WhenAll(waiting).WaitAsync(ServingBench.Soon);
        await bench.IdleAsync();
        Assert.Equal(0, bench.Pipeline.QueuedPrefetches);
    }

    [Fact]
    public async Task A_demand_overtakes_the_prefetch_of_its_own_block()
    {
        await using var bench = await ServingBench.CreateAsync(new FillOptions
        {
            PieceBytes = ServingBench.BlockBytes,
            ConcurrentFills = 2,
            ConcurrentPrefetches = 1,
        });
        bench.Storage.Hold();
        var file = bench.Present(6L * ServingBench.BlockBytes);
        bench.Service.Prefetch(file.Key, 0, file.Version.LengthBytes);
        await ServingBench.UntilAsync(() => bench.Storage.Reads.Count == 1, "the first prefetch runs");
        var last = bench.Service.EnsureAsync(file.Key, 5L * ServingBench.BlockBytes, 1, default).AsTask();
        await ServingBench.UntilAsync(() => bench.Storage.Reads.Count == 2, "the demand runs");
        Assert.Equal(5L * ServingBench.BlockBytes, bench.Storage.Reads[1].OffsetBytes);
        bench.Storage.LetGo();
        Assert.Equal(ReadStatus.Ok, (await last.WaitAsync(ServingBench.Soon)).Status);
        await bench.IdleAsync();
        Assert.Equal(6, bench.Storage.Reads.Count);
    }

    [Fact]
    public async Task Stopping_ends_waiters_and_fills()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(1000);
        bench.Storage.Hold();
        var waiting = bench.Service.EnsureAsync(file.Key, 0, 10, default).AsTask();
        await ServingBench.UntilAsync(() => bench.Storage.Reads.Count == 1, "the read runs");
        await bench.Pipeline.DisposeAsync().AsTask().WaitAsync(ServingBench.Soon);
        Assert.Equal(ReadStatus.Unavailable, (await waiting.WaitAsync(ServingBench.Soon)).Status);
        Assert.Equal(0, bench.Pipeline.Flights);
        var late = await bench.Service.EnsureAsync(file.Key, 0, 10, default).AsTask().WaitAsync(ServingBench.Soon);
        Assert.Equal(ReadStatus.Unavailable, late.Status);
    }
}
