using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Server;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Tests;

/// <summary>Many requests on one connection, and ends that come early.</summary>
public sealed class PipeliningTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_warm_read_overtakes_a_cold_one(bool overUnix)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
        var coldKey = server.Service.Add(Eventually.Ramp(5000));
        var warmKey = server.Service.Add(Eventually.Ramp(6000, seed: 2));
        var arrive = server.Service.Hold(coldKey);

        var cold = connection.ReadAsync(coldKey, 0, new byte[5000], default);
        var warm = await connection.ReadAsync(warmKey, 0, new byte[6000], default).Ends();

        Assert.Equal(new ReadOutcome(ReadStatus.Ok, 6000, true), warm);
        Assert.False(cold.IsCompleted);
        arrive();
        Assert.Equal(new ReadOutcome(ReadStatus.Ok, 5000, false), await cold.Ends());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Hundreds_of_reads_on_one_connection_each_get_their_own_bytes(bool overUnix)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
        var content = Eventually.Ramp(400_000);
        var key = server.Service.Add(content);
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var reads = Enumerable.Range(0, 500)
            .Select(_ => random.Next(390_000))
            .Select(offset => (Offset: offset, Buffer: new byte[random.Next(1, Math.Min(80_000, 400_000 - offset))]))
            .ToArray();

        await Task.WhenAll(reads.Select(async read =>
        {
            var outcome = await connection.ReadAsync(key, read.Offset, read.Buffer, default).Ends();
            Assert.Equal(new ReadOutcome(ReadStatus.Ok, read.Buffer.Length, true), outcome);
            Assert.True(content.AsSpan(read.Offset, read.Buffer.Length).SequenceEqual(read.Buffer), $"seed {seed}: bytes differ");
        }));

        await Eventually.Is(() => connection.RequestsInFlight == 0 && server.Service.Pins == 0, "everything is given back");
    }

    [Fact]
    public async Task More_requests_than_fit_wait_for_their_turn_and_none_is_lost()
    {
        await using var server = new TestServer(path => new BlockServerOptions
        {
            ClusterId = "test",
            SocketPath = path,
            MaxRequestsInFlight = 4,
        });
        await using var connection = await server.ConnectAsync();
        var key = server.Service.Add(Eventually.Ramp(1000));
        var arrive = server.Service.Hold(key);

        var reads = Enumerable.Range(0, 50).Select(index => connection.ReadAsync(key, index, new byte[10], default).Ends()).ToArray();
        await Eventually.Is(() => server.Service.Waiting == 4, "four wait in the silo");
        Assert.Equal(4, connection.RequestsInFlight);
        arrive();

        Assert.All(await Task.WhenAll(reads), outcome => Assert.Equal(ReadStatus.Ok, outcome.Status));
    }

    [Fact]
    public async Task A_cancelled_read_ends_at_once_and_is_given_up_by_the_silo()
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync();
        var key = server.Service.Add(Eventually.Ramp(1000));
        var arrive = server.Service.Hold(key);
        using var cancellation = new CancellationTokenSource();

        var read = connection.ReadAsync(key, 0, new byte[1000], cancellation.Token);
        await Eventually.Is(() => server.Service.Waiting == 1, "the read waits in the silo");
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read.Ends());
        await Eventually.Is(() => server.Service.Cancelled == 1, "the silo gives it up");
        await Eventually.Is(() => connection.RequestsInFlight == 0, "its slot is free again");
        arrive();
        Assert.True(connection.IsOpen);
        Assert.Equal(ReadStatus.Ok, (await connection.ReadAsync(key, 0, new byte[10], default).Ends()).Status);
    }

    [Fact]
    public async Task A_buffer_is_never_written_after_its_read_has_returned()
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync();
        var key = server.Service.Add(Enumerable.Repeat((byte)0xAB, 8 << 20).ToArray());
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var cancelled = 0;
        for (var round = 0; round < 150; round++)
        {
            var buffer = new byte[8 << 20];
            using var cancellation = new CancellationTokenSource();
            var read = connection.ReadAsync(key, 0, buffer, cancellation.Token).Ends();
            for (var spin = random.Next(200_000); spin > 0; spin--)
            {
                Thread.SpinWait(1);
            }

            await cancellation.CancelAsync();
            try
            {
                Assert.Equal(ReadStatus.Ok, (await read).Status);
            }
            catch (OperationCanceledException)
            {
                // The buffer is ours again: whoever writes now is the bug this test looks for.
                cancelled++;
                buffer.AsSpan().Clear();
                Assert.Equal(ReadStatus.Ok, (await connection.ReadAsync(key, 0, new byte[1 << 20], default).Ends()).Status);
                Assert.True(buffer.AsSpan().IndexOfAnyExcept((byte)0) < 0, $"seed {seed}: written after the read returned");
            }
        }

        Assert.True(connection.IsOpen, "cancelling must not cost the connection");
        Assert.True(cancelled > 0, "no read was cancelled: the test has tested nothing");
    }

    [Fact]
    public async Task A_request_that_takes_too_long_is_DeadlineExceeded_at_both_ends()
    {
        await using var server = new TestServer();
        var options = new BlockConnectionOptions { ClusterId = "test", RequestTimeout = TimeSpan.FromMilliseconds(200) };
        await using var connection = await server.ConnectAsync(options: options);
        var key = server.Service.Add(Eventually.Ramp(1000));
        server.Service.Hold(key);

        Assert.Equal(ReadStatus.DeadlineExceeded, (await connection.ReadAsync(key, 0, new byte[10], default).Ends()).Status);
        Assert.Equal(ReadStatus.DeadlineExceeded, (await connection.EnsureAsync(key, 0, 10, default).Ends()).Status);
        await Eventually.Is(() => server.Service.Cancelled == 2, "the silo gives both up");
        await Eventually.Is(() => connection.RequestsInFlight == 0, "both slots are free again");
        Assert.True(connection.IsOpen);
    }

    [Fact]
    public async Task A_closed_connection_ends_its_requests_at_both_ends()
    {
        await using var server = new TestServer();
        var connection = await server.ConnectAsync();
        var key = server.Service.Add(Eventually.Ramp(1000));
        server.Service.Hold(key);
        var reads = Enumerable.Range(0, 5).Select(_ => connection.ReadAsync(key, 0, new byte[10], default).Ends()).ToArray();
        await Eventually.Is(() => server.Service.Waiting == 5, "all wait in the silo");

        await connection.DisposeAsync();

        Assert.All(await Task.WhenAll(reads), outcome => Assert.Equal(ReadStatus.Unavailable, outcome.Status));
        await Eventually.Is(() => server.Service.Cancelled == 5, "the silo gives all up");
        Assert.False(connection.IsOpen);
        Assert.Equal(ReadStatus.Unavailable, (await connection.ReadAsync(key, 0, new byte[10], default).Ends()).Status);
        Assert.Equal(ReadStatus.Unavailable, (await connection.EnsureAsync(key, 0, 10, default).Ends()).Status);
    }
}
