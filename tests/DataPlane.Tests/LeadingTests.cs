using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Tests;

/// <summary>Small reads whose caller receives the answer itself, and how that gives way to everything else.</summary>
public sealed class LeadingTests
{
    private const int FileBytes = 400_000;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Small_reads_one_after_the_other_come_to_complete_without_another_thread(bool overUnix)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
        var key = server.Service.Add(Eventually.Ramp(FileBytes));

        Assert.True(await IsLedAsync(connection, key), "10,000 small reads alone, and none was complete when it returned");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_caller_is_not_kept_when_the_bytes_are_not_there(bool overUnix)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
        var warm = server.Service.Add(Eventually.Ramp(FileBytes));
        var cold = server.Service.Add(Eventually.Ramp(FileBytes, seed: 2));
        await IsLedAsync(connection, warm);
        var arrive = server.Service.Hold(cold);

        // Returning at all is the point: a caller that waited for the bytes would never come to let them arrive.
        var reads = Enumerable.Range(0, 20).Select(index => connection.ReadAsync(cold, index, new byte[100], default).Ends()).ToArray();
        await Eventually.Is(() => server.Service.Waiting == 20, "all wait in the silo");
        arrive();

        Assert.All(await Task.WhenAll(reads), outcome => Assert.Equal(new ReadOutcome(ReadStatus.Ok, 100, false), outcome));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_end_of_the_server_is_seen_while_nobody_reads(bool overUnix)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
        var key = server.Service.Add(Eventually.Ramp(FileBytes));
        await IsLedAsync(connection, key);

        await server.Server.DisposeAsync();

        await Eventually.Is(() => !connection.IsOpen, "the connection has ended");
        Assert.Equal(ReadStatus.Unavailable, (await connection.ReadAsync(key, 0, new byte[10], default).Ends()).Status);
    }

    [Fact]
    public async Task An_answer_that_comes_in_pieces_is_received_whole()
    {
        var (client, server) = await FakeServer.ConnectAsync();
        await using var connection = client;
        using var peer = server;
        peer.Socket.TuneTcp();
        var answering = Task.Factory.StartNew(() => AnswerInPieces(peer, count: 200), TaskCreationOptions.LongRunning);

        var buffer = new byte[1000];
        for (var read = 0; read < 200; read++)
        {
            var outcome = await connection.ReadAsync(new FileKey(1, 2), 0, buffer, default).Ends();
            Assert.Equal(new ReadOutcome(ReadStatus.Ok, 1000, false), outcome);
            Assert.Equal(Enumerable.Repeat((byte)read, 1000), buffer);
        }

        await answering.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Whatever_order_reads_come_in_each_gets_its_bytes(bool overUnix)
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync(overUnix);
        var content = Eventually.Ramp(FileBytes);
        var key = server.Service.Add(content);
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var phase = 0; phase < 150; phase++)
        {
            var (readers, mostBytes, mayCancel) = random.Next(5) switch
            {
                0 => (1, 100_000, false),
                1 => (1, 8_000, true),
                2 => (random.Next(2, 20), 8_000, random.Next(2) == 0),
                _ => (1, 8_000, false),
            };
            var seeds = Enumerable.Range(0, readers).Select(_ => random.Next()).ToArray();
            await Task.WhenAll(seeds.Select(one => Task.Run(
                () => ReadSomeAsync(connection, key, content, new Random(one), mostBytes, mayCancel, seed))));
            if (random.Next(10) == 0)
            {
                await Task.Delay(random.Next(100)); // The receiving thread parks, or comes back.
            }
        }

        await Eventually.Is(() => connection.RequestsInFlight == 0 && server.Service.Pins == 0, $"seed {seed}: everything is given back");
    }

    private static async Task ReadSomeAsync(
        BlockConnection connection, FileKey key, byte[] content, Random random, int mostBytes, bool mayCancel, int seed)
    {
        for (var read = random.Next(1, 40); read > 0; read--)
        {
            var buffer = new byte[random.Next(1, mostBytes)];
            var offset = random.Next(content.Length - buffer.Length);
            using var cancellation = new CancellationTokenSource();
            if (mayCancel && random.Next(3) == 0)
            {
                cancellation.CancelAfter(TimeSpan.FromMicroseconds(random.Next(300)));
            }

            try
            {
                var outcome = await connection.ReadAsync(key, offset, buffer, cancellation.Token).Ends();
                Assert.Equal(new ReadOutcome(ReadStatus.Ok, buffer.Length, true), outcome);
                Assert.True(content.AsSpan(offset, buffer.Length).SequenceEqual(buffer), $"seed {seed}: bytes differ");
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                // What it leaves behind is in the next reads' way, if anything is.
            }
        }
    }

    private static async Task<bool> IsLedAsync(BlockConnection connection, FileKey key)
    {
        var buffer = new byte[100];
        for (var read = 0; read < 10_000; read++)
        {
            var asked = connection.ReadAsync(key, read, buffer, default);
            if (asked.IsCompleted)
            {
                await asked;
                return true;
            }

            await asked.Ends();
        }

        return false;
    }

    private static void AnswerInPieces(FakeServer server, int count)
    {
        Span<byte> frame = stackalloc byte[FrameHeader.Bytes + 1000];
        for (var read = 0; read < count; read++)
        {
            var header = new FrameHeader(FrameType.Read, FrameFlags.Answer, ReadStatus.Ok, 1000, server.ReceiveRequestId());
            header.Write(frame);
            frame[FrameHeader.Bytes..].Fill((byte)read);
            var cut = read * 5 % frame.Length;
            Assert.True(server.Socket.SendAll(frame[..cut]));
            if (read % 20 == 0)
            {
                Thread.Sleep(10); // Longer than a caller looks.
            }

            Assert.True(server.Socket.SendAll(frame[cut..]));
        }
    }
}
