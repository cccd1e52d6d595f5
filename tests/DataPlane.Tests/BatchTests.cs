using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Server;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Tests;

/// <summary>Many ranges in one request.</summary>
public sealed class BatchTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_range_gets_its_own_bytes(bool overUnix)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
        int[] lengths = [1, 32 * 1024, (32 * 1024) + 1, 100 * 1024, 3, (1 << 20) + 7, 4096];
        var contents = lengths.Select((length, index) => Eventually.Ramp(length + 20, index)).ToArray();
        var reads = contents.Select((content, index) => Batches.Range(server.Service.Add(content), index, lengths[index])).ToArray();

        var outcome = await connection.ReadBatchAsync(reads, default).Ends();

        Assert.Equal(new ReadOutcome(ReadStatus.Ok, lengths.Sum(), true), outcome);
        for (var index = 0; index < reads.Length; index++)
        {
            Batches.IsRight(reads[index], contents[index]);
            Assert.True(reads[index].WasResident);
        }

        await Eventually.Is(() => server.Service.Pins == 0 && connection.RequestsInFlight == 0, "everything is given back");
        Assert.Equal(1, server.Metrics.Requests(FrameType.ReadBatch));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_one_range_fails_with_is_its_own_answer_only(bool overUnix)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
        var content = Eventually.Ramp(50_000);
        var key = server.Service.Add(content);
        var broken = server.Service.Add(content);
        File.WriteAllBytes(server.Service.PathOf(broken), []);
        BatchRead[] reads =
        [
            Batches.Range(new FileKey(1, 2), 0, 10), // missing at the start
            Batches.Range(key, 0, 50_000),
            Batches.Range(key, 0, 10, Batches.Capability("refused")),
            Batches.Range(key, 49_990, 20), // ten bytes are there
            Batches.Range(key, 100, 1000, Batches.Capability("allowed")),
            Batches.Range(key, -1, 10),
            Batches.Range(broken, 0, 100),
            Batches.Range(key, 7, 3),
            Batches.Range(key, 0, 10, Batches.Capability("refused")), // and at the end
        ];

        var outcome = await connection.ReadBatchAsync(reads, default).Ends();

        Assert.Equal(ReadStatus.Ok, outcome.Status);
        Assert.Equal(
            [
                ReadStatus.CapabilityRequired, ReadStatus.Ok, ReadStatus.CapabilityRefused, ReadStatus.InvalidRequest, ReadStatus.Ok,
                ReadStatus.InvalidRequest, ReadStatus.Unavailable, ReadStatus.Ok, ReadStatus.CapabilityRefused,
            ],
            reads.Select(read => read.Answer!.Value));
        Assert.All(reads.Where(read => read.Answer == ReadStatus.Ok), read => Batches.IsRight(read, content));
        Assert.Equal(["refused", "allowed", "refused"], server.Service.Presented.Select(one => one.Path));
        Assert.Equal(ReadStatus.Ok, (await connection.ReadAsync(key, 0, new byte[10], default).Ends()).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_range_that_has_to_be_waited_for_has_those_after_it_filled_and_holds_up_no_other_request(bool overUnix)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
        var content = Eventually.Ramp(100_000);
        var warm = server.Service.Add(content);
        var cold = server.Service.Add(content);
        var arrive = server.Service.Hold(cold);
        var reads = Enumerable.Range(0, 40).Select(index => Batches.Range(index == 2 ? cold : warm, index, 500)).ToArray();

        var batch = connection.ReadBatchAsync(reads, default).Ends();
        await Eventually.Is(() => server.Service.Waiting == 1, "the third range is waited for");
        Assert.Equal(ReadStatus.Ok, (await connection.ReadAsync(warm, 0, new byte[100], default).Ends()).Status);
        Assert.Equal(
            Enumerable.Range(3, ServerBatch.LookAheadRanges).Select(index => (long)index), server.Service.Prefetches.Select(one => one.Offset));
        Assert.False(batch.IsCompleted);
        arrive();

        Assert.Equal(ReadStatus.Ok, (await batch).Status);
        Assert.All(reads, read => Batches.IsRight(read, content));
        Assert.Equal([2], reads.Index().Where(one => !one.Item.WasResident).Select(one => one.Index));
        Assert.Equal(37, server.Service.Prefetches.Count); // each once, up to the end
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_range_that_arrives_piece_by_piece_or_past_the_store_is_put_together(bool isFull)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync();
        var content = Eventually.Ramp(2_500_001);
        var key = server.Service.Add(content);
        server.Service.AvailableAtOnce = 99_999;
        server.Service.IsFull = isFull;
        BatchRead[] reads = [Batches.Range(key, 5, 100), Batches.Range(key, 1, 2_500_000), Batches.Range(key, 0, 200_000)];

        Assert.Equal(ReadStatus.Ok, (await connection.ReadBatchAsync(reads, default).Ends()).Status);
        Assert.All(reads, read => Batches.IsRight(read, content));
    }

    [Fact]
    public async Task A_batch_that_takes_too_long_keeps_what_has_come()
    {
        await using var server = new TestServer();
        var options = new BlockConnectionOptions { ClusterId = "test", RequestTimeout = TimeSpan.FromMilliseconds(300) };
        await using var connection = await server.ConnectAsync(options: options);
        var content = Eventually.Ramp(1000);
        var warm = server.Service.Add(content);
        var cold = server.Service.Add(content);
        server.Service.Hold(cold);
        BatchRead[] reads = [Batches.Range(warm, 1, 10), Batches.Range(cold, 2, 10), Batches.Range(warm, 3, 10)];

        var outcome = await connection.ReadBatchAsync(reads, default).Ends();

        Batches.IsRight(reads[0], content);
        if (outcome.Status == ReadStatus.DeadlineExceeded)
        {
            Assert.All(reads[1..], read => Assert.Null(read.Answer)); // this end's clock was first
        }

        Assert.NotEqual(ReadStatus.Ok, reads[2].Answer);
        await Eventually.Is(() => server.Service.Cancelled == 1, "the silo gives it up");
        await Eventually.Is(() => connection.RequestsInFlight == 0, "its slot is free again");
        Assert.Equal(ReadStatus.Ok, (await connection.ReadBatchAsync(new[] { reads[0] }, default).Ends()).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cancelled_batch_gives_its_buffers_back_and_leaves_nothing_behind(bool overUnix)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
        await Batches.CancelAtRandomAsync(server, connection, rounds: 400);
    }

    [Fact]
    public async Task A_batch_given_up_while_it_waits_is_given_up_by_the_silo()
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync();
        var key = server.Service.Add(Eventually.Ramp(1000));
        server.Service.Hold(key);
        using var cancellation = new CancellationTokenSource();

        // More than the credits: some of them wait at this end.
        var batches = Enumerable.Range(0, 10)
            .Select(_ => connection.ReadBatchAsync(new[] { Batches.Range(key, 0, 10), Batches.Range(key, 0, 10) }, cancellation.Token).Ends())
            .ToArray();
        await Eventually.Is(() => server.Service.Waiting == 4, "as many wait in the silo as there are credits");
        await cancellation.CancelAsync();

        foreach (var batch in batches)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => batch);
        }

        await Eventually.Is(() => server.Service.Cancelled == 4, "the silo gives them up, and the rest of them");
        await Eventually.Is(() => connection.RequestsInFlight == 0, "the slots are free again");
        Assert.Equal(4, server.Metrics.Requests(FrameType.ReadBatch));
        Assert.Equal(4, server.Service.Cancelled);
    }

    [Fact]
    public async Task A_closed_connection_ends_its_batches_at_both_ends()
    {
        await using var server = new TestServer();
        var connection = await server.ConnectAsync();
        var key = server.Service.Add(Eventually.Ramp(1000));
        server.Service.Hold(key);
        var batches = Enumerable.Range(0, 6).Select(_ => connection.ReadBatchAsync(new[] { Batches.Range(key, 0, 10) }, default).Ends()).ToArray();
        await Eventually.Is(() => server.Service.Waiting == 4, "they wait in the silo");

        await connection.DisposeAsync();

        Assert.All(await Task.WhenAll(batches), outcome => Assert.Equal(ReadStatus.Unavailable, outcome.Status));
        await Eventually.Is(() => server.Service.Waiting == 0, "the silo gives all up");
        Assert.Equal(ReadStatus.Unavailable, (await connection.ReadBatchAsync(new[] { Batches.Range(key, 0, 10) }, default).Ends()).Status);
    }

    [Fact]
    public async Task What_is_no_batch_is_not_sent()
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync();
        Assert.Equal(FrameLimits.MaxBatchBytes, connection.MaxBatchBytes);
        var tooMany = Enumerable.Range(0, FrameLimits.MaxBatchRanges + 1).Select(_ => Batches.Range(default, 0, 1)).ToArray();
        BatchRead[] tooLong = [Batches.Range(default, 0, FrameLimits.MaxBatchBytes), Batches.Range(default, 0, 1)];
        var longPath = Batches.Capability(new string('a', 4000));
        BatchRead[] tooMuch = [.. Enumerable.Range(0, 2).Select(_ => Batches.Range(default, 0, 1, longPath))];
        foreach (var reads in new[] { [], [Batches.Range(default, 0, 0)], tooMany, tooLong, tooMuch })
        {
            await Assert.ThrowsAsync<ArgumentException>(async () => await connection.ReadBatchAsync(reads, default));
        }

        Assert.Equal(0, server.Metrics.Requests(FrameType.ReadBatch));
        Assert.Equal(ReadStatus.Ok, (await connection.ReadBatchAsync(new[] { Batches.Range(default, 0, 1, longPath) }, default).Ends()).Status);
    }
}
