using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Server;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Tests.Tls;

/// <summary>Batches through TLS: the same bytes, order and ends as without.</summary>
public sealed class TlsBatchTests : IDisposable
{
    private readonly Authority _authority = new Authority().Issue();

    public void Dispose() => _authority.Dispose();

    private TestServer Serve() => new(path => new BlockServerOptions
    {
        ClusterId = "test",
        SocketPath = path,
        ClusterSecret = TestServer.Secret,
        Certificate = _authority.Files,
    });

    private Task<BlockConnection> ConnectAsync(TestServer server) =>
        server.ConnectAsync(overUnix: false, _authority.Client(secret: TestServer.Secret));

    [Fact]
    public async Task Every_range_gets_its_own_bytes_and_a_missing_one_is_one_error()
    {
        await using var server = Serve();
        await using var connection = await ConnectAsync(server);

        // Both sides of a TLS record, of what is copied, and of what TLS takes of a file at once.
        int[] lengths = [1, 16 * 1024, (16 * 1024) + 1, 32 * 1024, (32 * 1024) + 1, 100 * 1024, 128 * 1024, (1 << 20) + 7, 3];
        var contents = lengths.Select((length, index) => Eventually.Ramp(length + 20, index)).ToArray();
        var reads = contents.Select((content, index) => Batches.Range(server.Service.Add(content), index, lengths[index])).ToList();
        reads.Insert(4, Batches.Range(new FileKey(1, 2), 0, 1000));
        var batch = reads.ToArray();

        var outcome = await connection.ReadBatchAsync(batch, default).Ends();

        Assert.Equal((ReadStatus.Ok, lengths.Sum()), (outcome.Status, outcome.Bytes));
        Assert.Equal(ReadStatus.CapabilityRequired, batch[4].Answer);
        for (var index = 0; index < batch.Length; index++)
        {
            if (index != 4)
            {
                Batches.IsRight(batch[index], contents[index < 4 ? index : index - 1]);
            }
        }

        await Eventually.Is(() => server.Service.Pins == 0 && connection.RequestsInFlight == 0, "everything is given back");
    }

    [Fact]
    public async Task The_answers_come_in_the_order_asked_also_when_one_has_to_be_waited_for()
    {
        await using var server = Serve();
        var content = Eventually.Ramp(200_000);
        var warm = server.Service.Add(content);
        var cold = server.Service.Add(content);
        var arrives = server.Service.Hold(cold);
        using var peer = TlsPeer.Connect(server, _authority, TestServer.Secret);
        RangeRequest[] ranges = [.. Enumerable.Range(0, 20).Select(index => new RangeRequest(index == 7 ? cold : warm, index * 11, 9_000 + index))];

        Assert.True(peer.Wire.SendAll(Batches.Frame(ranges)));
        await Eventually.Is(() => server.Service.Waiting == 1, "the eighth range is waited for");
        arrives();

        var frames = new List<(FrameHeader Header, byte[] Payload)>();
        await Task.Factory.StartNew(
            () =>
            {
                do
                {
                    frames.Add(Receive(peer));
                }
                while (frames[^1].Header.HasMore);
            },
            TaskCreationOptions.LongRunning).WaitAsync(TimeSpan.FromSeconds(15));
        Assert.Equal(ranges.Select(range => range.LengthBytes), frames.Select(frame => (long)frame.Payload.Length));
        for (var index = 0; index < ranges.Length; index++)
        {
            Assert.True(content.AsSpan((int)ranges[index].OffsetBytes, frames[index].Payload.Length).SequenceEqual(frames[index].Payload));
        }
    }

    [Fact]
    public async Task Batches_and_reads_of_one_connection_do_not_mix()
    {
        await using var server = Serve();
        await using var connection = await ConnectAsync(server);
        var contents = Enumerable.Range(0, 8).Select(index => Eventually.Ramp(300_000, index)).ToArray();
        var keys = contents.Select(content => server.Service.Add(content)).ToArray();
        var seed = Environment.TickCount;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(reader => Task.Run(async () =>
        {
            var random = new Random(seed + reader);
            for (var round = 0; round < 20; round++)
            {
                var which = Enumerable.Range(0, random.Next(1, 20)).Select(_ => random.Next(8)).ToArray();
                var reads = which.Select(file => Batches.Range(keys[file], random.Next(150_000), random.Next(1, 150_000))).ToArray();
                var single = new byte[random.Next(1, 300_000)];
                var alone = connection.ReadAsync(keys[reader], 0, single, default).Ends();
                Assert.Equal(ReadStatus.Ok, (await connection.ReadBatchAsync(reads, default).Ends()).Status);
                Assert.Equal(ReadStatus.Ok, (await alone).Status);
                Assert.True(contents[reader].AsSpan(0, single.Length).SequenceEqual(single), $"seed {seed}: the bytes differ");
                for (var index = 0; index < reads.Length; index++)
                {
                    Batches.IsRight(reads[index], contents[which[index]]);
                }
            }
        })));
    }

    [Fact]
    public async Task A_cancelled_batch_gives_its_buffers_back_and_leaves_nothing_behind()
    {
        await using var server = Serve();
        await using var connection = await ConnectAsync(server);
        await Batches.CancelAtRandomAsync(server, connection, rounds: 200);
    }

    [Fact]
    public async Task A_batch_given_up_while_it_waits_is_given_up_by_the_silo_and_the_connection_goes_on()
    {
        await using var server = Serve();
        await using var connection = await ConnectAsync(server);
        var content = Eventually.Ramp(1000);
        var warm = server.Service.Add(content);
        var cold = server.Service.Add(content);
        server.Service.Hold(cold);
        using var cancellation = new CancellationTokenSource();
        BatchRead[] reads = [Batches.Range(warm, 1, 10), Batches.Range(cold, 2, 10), Batches.Range(warm, 3, 10)];
        var batch = connection.ReadBatchAsync(reads, cancellation.Token).Ends();
        await Eventually.Is(() => server.Service.Waiting == 1, "the second range is waited for");

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => batch);
        await Eventually.Is(() => server.Service is { Waiting: 0, Cancelled: 1, Pins: 0 }, "the silo gives it up");
        await Eventually.Is(() => connection.RequestsInFlight == 0, "its slot is free again");
        BatchRead[] next = [Batches.Range(warm, 4, 500), Batches.Range(warm, 5, 500)];
        Assert.Equal(ReadStatus.Ok, (await connection.ReadBatchAsync(next, default).Ends()).Status);
        Assert.All(next, read => Batches.IsRight(read, content));
        Assert.Equal((1, 0), (server.Metrics.ConnectionsAccepted, server.Metrics.ServiceFailures));
    }

    private static (FrameHeader Header, byte[] Payload) Receive(TlsPeer peer)
    {
        var bytes = new byte[FrameHeader.Bytes];
        Assert.Equal(bytes.Length, peer.Wire.ReceiveFully(bytes));
        Assert.Equal(FrameError.None, FrameHeader.Read(bytes, out var header));
        Assert.Equal((FrameType.ReadBatch, ReadStatus.Ok), (header.Type, header.Status));
        var payload = new byte[header.PayloadBytes];
        Assert.Equal(payload.Length, peer.Wire.ReceiveFully(payload));
        return (header, payload);
    }
}
