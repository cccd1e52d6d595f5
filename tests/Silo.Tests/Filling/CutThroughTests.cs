using OrleansCache.Files;
using OrleansCache.Silo.Filling;
using OrleansCache.Silo.Tests.Fakes;

namespace OrleansCache.Silo.Tests.Filling;

/// <summary>One request per block, its pieces given away as they arrive, and what ends it before its last byte.</summary>
public sealed class CutThroughTests
{
    private const int Pieces = ServingBench.BlockBytes / ServingBench.PieceBytes;

    private static readonly FillOptions Options = new()
    {
        PieceBytes = ServingBench.PieceBytes,
        ReleaseBytes = ServingBench.PieceBytes,
        UnderStorageTimeout = TimeSpan.FromSeconds(30),
        FillTimeout = TimeSpan.FromMinutes(5),
    };

    [Fact]
    public async Task Each_block_is_one_request_whoever_asks_and_however()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present((5 * ServingBench.BlockBytes) + 77);
        bench.Service.Prefetch(file.Key, 0, file.Version.LengthBytes);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => bench.ReadRightAsync(file))).WaitAsync(ServingBench.Soon);
        await bench.IdleAsync();
        Assert.Equal(
            Enumerable.Range(0, 6).Select(block => ((long)block * ServingBench.BlockBytes, block < 5 ? ServingBench.BlockBytes : 77)),
            bench.Storage.Reads.Select(read => (read.OffsetBytes, read.LengthBytes)).Order());
        Assert.Equal((6, file.Version.LengthBytes), (bench.Counters.UnderStorageReads, bench.Counters.BytesFromUnderStorage));
    }

    [Fact]
    public async Task A_reader_of_the_first_bytes_is_released_by_the_first_piece_and_bytes_count_as_they_arrive()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(ServingBench.BlockBytes);
        var second = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        bench.Storage.BeforePiece = (_, offset) => offset == 0 ? Task.CompletedTask : second.Task;
        var first = await bench.Service.EnsureAsync(file.Key, 0, ServingBench.BlockBytes, default).AsTask().WaitAsync(ServingBench.Soon);
        Assert.Equal((ReadStatus.Ok, ServingBench.PieceBytes), (first.Status, first.AvailableBytes));
        Assert.Equal(1, bench.Storage.Pieces);
        Assert.Equal(ServingBench.PieceBytes, bench.Counters.BytesFromUnderStorage);
        Assert.Single(bench.Storage.Reads);
        second.SetResult();
        await bench.ReadRightAsync(file);
        Assert.Single(bench.Storage.Reads);
    }

    [Fact]
    public async Task Bytes_that_trickle_in_are_told_of_in_lots_and_a_small_range_as_soon_as_it_is_there()
    {
        await using var bench = await ServingBench.CreateAsync(new FillOptions { PieceBytes = 64 * 1024, ReleaseBytes = 128 * 1024 });
        var file = bench.Present(ServingBench.BlockBytes);
        var pieces = GatesOf(bench);
        var small = bench.Service.EnsureAsync(file.Key, 0, 4096, default).AsTask();
        var large = bench.Service.EnsureAsync(file.Key, 0, ServingBench.BlockBytes, default).AsTask();
        pieces[0].SetResult();
        Assert.Equal(4096, (await small.WaitAsync(ServingBench.Soon)).AvailableBytes);
        await TakenAsync(bench, 1);
        Assert.False(large.IsCompleted);
        pieces[1].SetResult();
        Assert.Equal(128 * 1024, (await large.WaitAsync(ServingBench.Soon)).AvailableBytes);
        Array.ForEach(pieces[2..], piece => piece.SetResult());
        await bench.ReadRightAsync(file);
    }

    [Fact]
    public async Task A_store_that_trickles_is_waited_for_as_long_as_bytes_come()
    {
        var time = new ManualTime();
        await using var bench = await ServingBench.CreateAsync(Options, time: time);
        var file = bench.Present(ServingBench.BlockBytes);
        var pieces = GatesOf(bench);
        var last = bench.Service.EnsureAsync(file.Key, ServingBench.BlockBytes - 1, 1, default).AsTask();
        for (var piece = 0; piece < Pieces; piece++)
        {
            await TakenAsync(bench, piece);
            time.Advance(TimeSpan.FromSeconds(29));
            pieces[piece].SetResult();
        }

        Assert.Equal(ReadStatus.Ok, (await last.WaitAsync(ServingBench.Soon)).Status);
        Assert.True(time.GetUtcNow() - DateTimeOffset.UnixEpoch.AddDays(1) > TimeSpan.FromSeconds(100), "longer than the timeout");
    }

    [Fact]
    public async Task No_byte_for_the_timeout_ends_the_fill_and_a_later_one_is_right()
    {
        var time = new ManualTime();
        await using var bench = await ServingBench.CreateAsync(Options, time: time);
        var file = bench.Present(ServingBench.BlockBytes);
        var pieces = GatesOf(bench);
        pieces[0].SetResult();
        pieces[1].SetResult();
        var last = bench.Service.EnsureAsync(file.Key, ServingBench.BlockBytes - 1, 1, default).AsTask();
        await TakenAsync(bench, 2);
        time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(last.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(ReadStatus.Unavailable, (await last.WaitAsync(ServingBench.Soon)).Status);
        await bench.IdleAsync();
        Assert.False(bench.Store.GetResidency(file.Key).Has(0));
        Assert.Equal(ReadStatus.NotFound, bench.Service.TryPin(file.Key, 0, 10, out _));
        bench.Storage.BeforePiece = (_, _) => Task.CompletedTask;
        await bench.ReadRightAsync(file);
        Assert.Equal(2, bench.Storage.Reads.Count);
    }

    [Fact]
    public async Task A_store_that_trickles_without_end_is_given_up_in_the_end()
    {
        var time = new ManualTime();
        await using var bench = await ServingBench.CreateAsync(
            Options with { FillTimeout = TimeSpan.FromSeconds(45) }, time: time);
        var file = bench.Present(ServingBench.BlockBytes);
        var pieces = GatesOf(bench);
        var last = bench.Service.EnsureAsync(file.Key, ServingBench.BlockBytes - 1, 1, default).AsTask();
        await TakenAsync(bench, 0);
        time.Advance(TimeSpan.FromSeconds(25));
        pieces[0].SetResult();
        await TakenAsync(bench, 1);
        time.Advance(TimeSpan.FromSeconds(21)); // 25 + 21 are more than 45, each less than 30.
        Assert.Equal(ReadStatus.Unavailable, (await last.WaitAsync(ServingBench.Soon)).Status);
    }

    [Theory]
    [InlineData(ReadStatus.StaleVersion, ReadStatus.StaleVersion)]
    [InlineData(ReadStatus.AccessDenied, ReadStatus.AccessDenied)]
    [InlineData(ReadStatus.Unavailable, ReadStatus.Unavailable)]
    public async Task A_stream_that_breaks_in_the_middle_leaves_nothing_and_what_was_released_is_right(
        ReadStatus theirs, ReadStatus ours)
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(ServingBench.BlockBytes);
        var breaks = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        bench.Storage.BeforePiece = (_, offset) => offset < 2 * ServingBench.PieceBytes ? Task.CompletedTask : breaks.Task;
        bench.Storage.Answer = (_, offset) => offset < 2 * ServingBench.PieceBytes ? ReadStatus.Ok : theirs;
        var early = new byte[2 * ServingBench.PieceBytes];
        Assert.Equal(ReadStatus.Ok, await bench.ReadAsync(file, 0, early).WaitAsync(ServingBench.Soon));
        ServingBench.AssertRight(file, 0, early);
        var late = bench.Service.EnsureAsync(file.Key, 2 * ServingBench.PieceBytes, 1, default).AsTask();
        breaks.SetResult();
        Assert.Equal(ours, (await late.WaitAsync(ServingBench.Soon)).Status);
        await bench.IdleAsync();
        Assert.False(bench.Store.GetResidency(file.Key).Has(0));
        Assert.Equal(1, bench.Pipeline.FailedFills);
        bench.Storage.Answer = (_, _) => ReadStatus.Ok;
        await bench.ReadRightAsync(file);
    }

    [Fact]
    public async Task A_store_that_calls_a_part_all_makes_no_block()
    {
        await using var bench = await ServingBench.CreateAsync();
        var file = bench.Present(ServingBench.BlockBytes);
        bench.Storage.StreamsEndAt = ServingBench.PieceBytes;
        var outcome = await bench.Service.EnsureAsync(file.Key, ServingBench.PieceBytes, 1, default).AsTask().WaitAsync(ServingBench.Soon);
        Assert.Equal(ReadStatus.Unavailable, outcome.Status);
        await bench.IdleAsync();
        Assert.False(bench.Store.GetResidency(file.Key).Has(0));
    }

    [Fact]
    public async Task A_file_with_many_blocks_waiting_does_not_keep_another_one_waiting_for_them_all()
    {
        await using var bench = await ServingBench.CreateAsync(new FillOptions { ConcurrentFills = 2, ConcurrentPrefetches = 1 });
        bench.Storage.Hold();
        var big = bench.Present(30L * ServingBench.BlockBytes, "big");
        var small = bench.Present(2L * ServingBench.BlockBytes, "small");
        bench.Service.Prefetch(big.Key, 0, big.Version.LengthBytes);
        bench.Service.Prefetch(small.Key, 0, small.Version.LengthBytes);
        bench.Storage.LetGo();
        await bench.IdleAsync();
        var order = bench.Storage.Reads.Select(read => read.Path).ToArray();
        Assert.Equal(32, order.Length);
        Assert.InRange(Array.LastIndexOf(order, "small"), 1, 6);
    }

    private static TaskCompletionSource[] GatesOf(ServingBench bench)
    {
        var gates = Enumerable.Range(0, Pieces)
            .Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).ToArray();
        bench.Storage.BeforePiece = (_, offset) => gates[offset / ServingBench.PieceBytes].Task;
        return gates;
    }

    /// <summary>So many pieces were taken, which starts the deadline anew, and the next one is waited for.</summary>
    private static Task TakenAsync(ServingBench bench, int pieces) => ServingBench.UntilAsync(
        () => bench.Storage.Reads.Count == 1 && bench.Counters.BytesFromUnderStorage == pieces * ServingBench.PieceBytes,
        $"{pieces} pieces were taken");
}
