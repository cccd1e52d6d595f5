using System.Buffers.Binary;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Server;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Tests;

/// <summary>Batches that nobody of ours would send, and answers to them that nobody of ours would give.</summary>
public sealed class HostileBatchTests
{
    private static readonly RangeRequest Good = new(new FileKey(1, 2), 0, 10);

    public static TheoryData<string, byte[]> MalformedBatches
    {
        get
        {
            var data = new TheoryData<string, byte[]>
            {
                { "empty", RawPeer.Frame(FrameType.ReadBatch, default) },
                { "cut", RawPeer.Frame(FrameType.ReadBatch, Batches.Frame([Good, Good]).AsSpan(FrameHeader.Bytes)[..^1]) },
                { "more than may be", Batches.Frame([.. Enumerable.Repeat(Good, FrameLimits.MaxBatchRanges + 1)]) },
                { "more bytes than may be", Batches.Frame([Good, Good with { LengthBytes = FrameLimits.MaxBatchBytes }]) },
            };
            void Add(string what, int at, int value)
            {
                var frame = Batches.Frame([Good, Good, Good]);
                BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(FrameHeader.Bytes + BatchCodec.FixedBytes + at), value);
                data.Add(what, frame);
            }

            Add("no length", 24, 0);
            Add("a negative length", 24, -1);
            Add("too long", 24, FrameLimits.MaxBatchBytes + 1);
            Add("a reserved field in use", 28, 1);
            Add("a capability past the end", 28, 33 << 16);
            Add("a capability longer than any", 28, unchecked((int)0xFFFF0000));
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(MalformedBatches))]
    public async Task A_malformed_batch_closes_the_connection_and_is_counted(string what, byte[] frame)
    {
        await using var server = new TestServer();
        using var peer = RawPeer.Connect(server, overUnix: true);

        Assert.True(peer.Socket.SendAll(frame));
        await peer.WaitClosedAsync();

        await Eventually.Is(() => server.Metrics.MalformedFrames(FrameError.Payload) == 1 && server.Metrics.MalformedFramesTotal == 1, what);
    }

    [Fact]
    public async Task A_batch_with_an_id_in_use_is_malformed()
    {
        await using var server = new TestServer();
        var key = server.Service.Add(Eventually.Ramp(100));
        server.Service.Hold(key);
        using var peer = RawPeer.Connect(server, overUnix: true);

        Assert.True(peer.Socket.SendAll(Batches.Frame([Good with { Key = key }])));
        Assert.True(peer.Socket.SendAll(Batches.Frame([Good with { Key = key }])));
        await peer.WaitClosedAsync();

        Assert.Equal(1, server.Metrics.MalformedFrames(FrameError.DuplicateRequest));
        await Eventually.Is(() => server.Service.Cancelled == 1, "the first is given up");
    }

    [Fact]
    public async Task More_batches_than_may_wait_are_refused_at_once()
    {
        await using var server = new TestServer();
        var key = server.Service.Add(Eventually.Ramp(100));
        server.Service.Hold(key);
        using var peer = RawPeer.Connect(server, overUnix: true);
        for (var id = 1UL; id <= 17; id++)
        {
            Assert.True(peer.Socket.SendAll(Batches.Frame([Good with { Key = key }, Good], id)));
        }

        var answer = new byte[FrameHeader.Bytes];
        Assert.Equal(answer.Length, peer.Socket.ReceiveFully(answer));
        Assert.Equal(FrameError.None, FrameHeader.Read(answer, out var header));
        Assert.Equal((17UL, ReadStatus.Unavailable, false), (header.RequestId, header.Status, header.HasMore));
        Assert.Equal(16, server.Service.Waiting);
    }

    [Fact]
    public async Task Batches_that_are_nearly_right_harm_nobody()
    {
        await using var server = new TestServer();
        await using var other = await server.ConnectAsync();
        var key = server.Service.Add(Eventually.Ramp(100_000));
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var malformed = 0L;
        for (var round = 0; round < 300; round++)
        {
            using var peer = RawPeer.Connect(server, overUnix: round % 2 == 0);
            var ranges = Enumerable.Range(0, random.Next(1, 20)).Select(_ => new RangeRequest(key, random.Next(90_000), random.Next(1, 10_000)));
            var frame = Batches.Frame([.. ranges]);
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                frame[random.Next(FrameHeader.Bytes, frame.Length)] ^= (byte)(1 << random.Next(8));
            }

            var length = round % 5 == 0 ? random.Next(frame.Length) : frame.Length;
            peer.Socket.SendAll(frame.AsSpan(0, length));
            peer.Socket.ShutdownSend();
            await peer.WaitClosedAsync();
            malformed = server.Metrics.MalformedFramesTotal;
        }

        await Eventually.Is(() => server.Metrics.Connections == 1 && server.Service.Pins == 0, $"seed {seed}: all is given back");
        Assert.Equal(ReadStatus.Ok, (await other.ReadAsync(key, 0, new byte[100], default).Ends()).Status);
        Assert.True(malformed > 20, $"seed {seed}: only {malformed} were malformed");
        Assert.Equal(0, server.Metrics.ServiceFailures);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_peer_that_does_not_read_its_batches_holds_one_pin_and_is_dropped(bool overUnix)
    {
        await using var server = new TestServer(path => new BlockServerOptions
        {
            ClusterId = "test",
            SocketPath = path,
            SendTimeout = TimeSpan.FromSeconds(1),
        });
        var key = server.Service.Add(Eventually.Ramp(1 << 20));
        using var slow = RawPeer.Connect(server, overUnix);
        for (var id = 1UL; id <= 16; id++)
        {
            Assert.True(slow.Socket.SendAll(Batches.Frame([.. Enumerable.Repeat(new RangeRequest(key, 0, 1 << 20), 8)], id)));
        }

        await Eventually.Is(() => server.Service.Pins == 1, "the answer is stuck");
        await Eventually.Is(() => server.Metrics.SlowReadersDropped == 1, "the slow reader is dropped");
        await Eventually.Is(() => server.Service.Pins == 0 && server.Metrics.Connections == 0, "its pin is given back");
    }

    public static TheoryData<string, FrameFlags, ReadStatus, int> WrongAnswers => new()
    {
        { "longer than the range", FrameFlags.More, ReadStatus.Ok, 11 },
        { "nothing", FrameFlags.More, ReadStatus.Ok, 0 },
        { "the end before the end", FrameFlags.None, ReadStatus.Ok, 10 },
        { "a piece as the end", FrameFlags.None, ReadStatus.Ok, 5 },
        { "a failure with bytes", FrameFlags.More, ReadStatus.NotFound, 3 },
    };

    [Theory]
    [MemberData(nameof(WrongAnswers))]
    public async Task A_server_that_answers_a_batch_wrongly_is_left(string what, FrameFlags flags, ReadStatus status, int bytes)
    {
        var (client, server) = await FakeServer.ConnectAsync();
        using (server)
        {
            var reads = new[] { Batches.Range(Good.Key, 0, 10), Batches.Range(Good.Key, 0, 10) };
            var batch = client.ReadBatchAsync(reads, default);
            var id = server.ReceiveRequestId(2 * BatchCodec.FixedBytes);
            var answer = RawPeer.Frame(FrameType.ReadBatch, new byte[bytes], id, flags | FrameFlags.Answer);
            answer[3] = (byte)status;
            Assert.True(server.Socket.SendAll(answer));

            Assert.Equal((what, ReadStatus.Unavailable), (what, (await batch.Ends()).Status));
            Assert.False(client.IsOpen);
            await client.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(FrameFlags.More, ReadStatus.Ok, 10)]
    [InlineData(FrameFlags.More, ReadStatus.NotFound, 0)]
    [InlineData(FrameFlags.None, ReadStatus.Ok, 5)]
    public async Task A_server_that_says_more_after_the_last_range_is_left(FrameFlags flags, ReadStatus status, int bytes)
    {
        var (client, server) = await FakeServer.ConnectAsync();
        using (server)
        {
            var batch = client.ReadBatchAsync(new[] { Batches.Range(Good.Key, 0, 10) }, default);
            var id = server.ReceiveRequestId(BatchCodec.FixedBytes);
            var answer = RawPeer.Frame(FrameType.ReadBatch, new byte[bytes], id, flags | FrameFlags.Answer);
            answer[3] = (byte)status;
            Assert.True(server.Socket.SendAll(answer));

            Assert.Equal(ReadStatus.Unavailable, (await batch.Ends()).Status);
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_status_without_more_is_the_answer_to_the_rest()
    {
        var (client, server) = await FakeServer.ConnectAsync();
        using (server)
        {
            var reads = new[] { Batches.Range(Good.Key, 0, 10), Batches.Range(Good.Key, 0, 10), Batches.Range(Good.Key, 0, 10) };
            var batch = client.ReadBatchAsync(reads, default);
            var id = server.ReceiveRequestId(3 * BatchCodec.FixedBytes);
            Assert.True(server.Socket.SendAll(RawPeer.Frame(FrameType.ReadBatch, new byte[10], id, FrameFlags.Answer | FrameFlags.More)));
            var end = RawPeer.Frame(FrameType.ReadBatch, default, id, FrameFlags.Answer);
            end[3] = (byte)ReadStatus.DeadlineExceeded;
            Assert.True(server.Socket.SendAll(end));

            Assert.Equal(ReadStatus.DeadlineExceeded, (await batch.Ends()).Status);
            Assert.Equal([ReadStatus.Ok, null, null], reads.Select(read => read.Answer));
            Assert.True(client.IsOpen);
            await client.DisposeAsync();
        }
    }
}
