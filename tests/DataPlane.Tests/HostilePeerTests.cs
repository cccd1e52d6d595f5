using System.Diagnostics;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Server;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Tests;

/// <summary>Peers that break the rules lose their connection, are counted, and disturb nobody.</summary>
public sealed class HostilePeerTests
{
    public static TheoryData<FrameError, byte[]> MalformedFrames
    {
        get
        {
            var answer = RawPeer.Frame(FrameType.Read, default, flags: FrameFlags.Answer);
            var tooLong = RawPeer.Read(default, 0, 1);
            tooLong[5] = 1;
            var negative = RawPeer.Read(default, 0, 1);
            negative[4] = 0xFF;
            var version = RawPeer.Read(default, 0, 1);
            version[0] = 9;
            var report = new byte[32];
            report[16] = 0x80;
            return new TheoryData<FrameError, byte[]>
            {
                { FrameError.Version, version },
                { FrameError.Version, "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n"u8.ToArray() },
                { FrameError.UnknownType, RawPeer.Frame((FrameType)200, default) },
                { FrameError.PayloadTooLong, tooLong },
                { FrameError.PayloadTooLong, negative },
                { FrameError.Payload, RawPeer.Frame(FrameType.Read, new byte[5]) },
                { FrameError.Payload, RawPeer.Frame(FrameType.Lease, new byte[15]) },
                { FrameError.Payload, RawPeer.Frame(FrameType.Report, new byte[33]) },
                { FrameError.Payload, RawPeer.Frame(FrameType.Report, report) },
                { FrameError.Unexpected, answer },
                { FrameError.Unexpected, RawPeer.Frame(FrameType.Hello, new byte[60]) },
                { FrameError.Flags, RawPeer.Frame(FrameType.Status, default, flags: FrameFlags.More) },
            };
        }
    }

    [Theory]
    [MemberData(nameof(MalformedFrames))]
    public async Task A_malformed_frame_closes_the_connection_and_is_counted(FrameError error, byte[] frame)
    {
        await using var server = new TestServer();
        await using var other = await server.ConnectAsync();
        var key = server.Service.Add(Eventually.Ramp(100));
        using var peer = RawPeer.Connect(server, overUnix: true);

        Assert.True(peer.Socket.SendAll(frame));
        await peer.WaitClosedAsync();

        await Eventually.Is(() => server.Metrics.MalformedFrames(error) == 1 && server.Metrics.MalformedFramesTotal == 1, $"{error} is counted");
        Assert.Equal(ReadStatus.Ok, (await other.ReadAsync(key, 0, new byte[100], default).Ends()).Status);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(39)]
    [InlineData(50)]
    public async Task A_frame_cut_off_is_counted(int bytes)
    {
        await using var server = new TestServer();
        using (var peer = RawPeer.Connect(server, overUnix: false))
        {
            Assert.True(peer.Socket.SendAll(RawPeer.Read(default, 0, 1).AsSpan(0, bytes)));
        }

        await Eventually.Is(() => server.Metrics.MalformedFrames(FrameError.Truncated) == 1, "the cut frame is counted");
    }

    [Fact]
    public async Task A_frame_that_never_ends_is_ended()
    {
        await using var server = new TestServer(path => new BlockServerOptions
        {
            ClusterId = "test",
            SocketPath = path,
            FrameTimeout = TimeSpan.FromMilliseconds(300),
        });
        await using var idle = await server.ConnectAsync();
        using var peer = RawPeer.Connect(server, overUnix: true);
        Assert.True(peer.Socket.SendAll(RawPeer.Read(default, 0, 1).AsSpan(0, 50)));

        await peer.WaitClosedAsync();

        await Eventually.Is(() => server.Metrics.MalformedFrames(FrameError.Truncated) == 1, "it is counted");
        Assert.Equal(ReadStatus.Ok, (await idle.GetStatusAsync(default).Ends()).Status); // idle between frames is fine
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Random_bytes_end_the_connection_and_nothing_else(bool shakeHands)
    {
        await using var server = new TestServer();
        await using var other = await server.ConnectAsync();
        var key = server.Service.Add(Eventually.Ramp(100));
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var round = 0; round < 60; round++)
        {
            using var peer = RawPeer.Connect(server, overUnix: round % 2 == 0, shakeHands);
            var garbage = new byte[random.Next(FrameHeader.Bytes + RangeRequest.Bytes, 20_000)];
            random.NextBytes(garbage);
            if (round % 3 == 0)
            {
                // A header that is nearly right gets deeper into the server.
                RawPeer.Read(key, 0, 50).CopyTo(garbage, 0);
                garbage[random.Next(8)] ^= (byte)(1 << random.Next(8));
            }

            peer.Socket.SendAll(garbage);
            peer.Socket.ShutdownSend();
            await peer.WaitClosedAsync();
        }

        await Eventually.Is(() => server.Metrics.Connections == 1, $"seed {seed}: all hostile connections are gone");
        Assert.Equal(ReadStatus.Ok, (await other.ReadAsync(key, 0, new byte[100], default).Ends()).Status);
        var counted = shakeHands ? server.Metrics.MalformedFramesTotal : server.Metrics.RefusedHandshakesTotal;
        Assert.True(counted >= 40, $"seed {seed}: only {counted} were counted");
        Assert.Equal(0, server.Metrics.ServiceFailures);
    }

    [Fact]
    public async Task A_request_id_in_use_is_malformed()
    {
        await using var server = new TestServer();
        var key = server.Service.Add(Eventually.Ramp(100));
        server.Service.Hold(key);
        using var peer = RawPeer.Connect(server, overUnix: true);

        Assert.True(peer.Socket.SendAll(RawPeer.Read(key, 0, 5)));
        Assert.True(peer.Socket.SendAll(RawPeer.Read(key, 0, 5)));
        await peer.WaitClosedAsync();

        Assert.Equal(1, server.Metrics.MalformedFrames(FrameError.DuplicateRequest));
        await Eventually.Is(() => server.Service.Cancelled == 1, "the first is given up");
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-1, 5)]
    [InlineData(long.MaxValue, 5)]
    [InlineData(0, FrameLimits.MaxReadBytes + 1)]
    [InlineData(0, -5)]
    public async Task A_range_that_is_none_is_answered(long offset, long length)
    {
        await using var server = new TestServer();
        var key = server.Service.Add(Eventually.Ramp(100));
        using var peer = RawPeer.Connect(server, overUnix: true);

        Assert.True(peer.Socket.SendAll(RawPeer.Read(key, offset, length, id: 42)));
        var header = peer.ReceiveHeader();

        Assert.Equal((ReadStatus.InvalidRequest, 42UL), (header.Status, header.RequestId));
    }

    [Theory]
    [InlineData(FrameType.StageWrite)]
    [InlineData(FrameType.LoadReport)]
    public async Task A_reserved_request_is_not_supported_yet(FrameType type)
    {
        await using var server = new TestServer();
        using var peer = RawPeer.Connect(server, overUnix: true);

        Assert.True(peer.Socket.SendAll(RawPeer.Frame(type, new byte[100], id: 5)));
        Assert.Equal((ReadStatus.NotSupported, type), (peer.ReceiveHeader().Status, type));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_peer_that_does_not_read_is_dropped_and_stalls_nobody(bool overUnix)
    {
        await using var server = new TestServer(path => new BlockServerOptions
        {
            ClusterId = "test",
            SocketPath = path,
            SendTimeout = TimeSpan.FromSeconds(1),
        });
        var key = server.Service.Add(Eventually.Ramp(8 << 20));
        await using var other = await server.ConnectAsync(overUnix);
        using var slow = RawPeer.Connect(server, overUnix);
        for (var id = 1UL; id <= 16; id++)
        {
            Assert.True(slow.Socket.SendAll(RawPeer.Read(key, 0, 8 << 20, id)));
        }

        await Eventually.Is(() => server.Service.Pins == 1, "the answer is stuck");
        var start = Stopwatch.GetTimestamp();
        for (var round = 0; round < 20; round++)
        {
            Assert.Equal(ReadStatus.Ok, (await other.ReadAsync(key, 0, new byte[64 * 1024], default).Ends()).Status);
        }

        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10), "others were stalled");
        await Eventually.Is(() => server.Metrics.SlowReadersDropped == 1, "the slow reader is dropped");
        await Eventually.Is(() => server.Service.Pins == 0 && server.Metrics.Connections == 1, "its pin is given back");
    }

    [Fact]
    public async Task Connections_beyond_the_bound_are_refused_with_the_reason()
    {
        await using var server = new TestServer(path => new BlockServerOptions
        {
            ClusterId = "test",
            SocketPath = path,
            MaxConnections = 3,
            MaxConnectionsPerPeer = 2,
        });
        await using var first = await server.ConnectAsync();
        await using var second = await server.ConnectAsync();
        var perPeer = await Assert.ThrowsAsync<HandshakeRefusedException>(() => server.ConnectAsync());
        await using var third = await server.ConnectAsync(overUnix: false);
        var perServer = await Assert.ThrowsAsync<HandshakeRefusedException>(() => server.ConnectAsync(overUnix: false));

        Assert.Equal(HandshakeRefusal.TooManyConnections, perPeer.Refusal);
        Assert.Equal(HandshakeRefusal.TooManyConnections, perServer.Refusal);
        await second.DisposeAsync();
        await Eventually.Is(() => server.Metrics.Connections == 2, "a place is free");
        await using var again = await server.ConnectAsync();
        Assert.True(again.IsOpen);
    }

    [Fact]
    public async Task A_server_that_answers_what_was_not_asked_is_left()
    {
        foreach (var answer in new[]
        {
            RawPeer.Frame(FrameType.Read, new byte[11], flags: FrameFlags.Answer),
            RawPeer.Frame(FrameType.Read, new byte[9], flags: FrameFlags.Answer),
            RawPeer.Frame(FrameType.Ensure, new byte[16], flags: FrameFlags.Answer),
            RawPeer.Frame(FrameType.Lease, new byte[24], flags: FrameFlags.Answer | FrameFlags.Descriptor),
            "HTTP/1.1 400 Bad Request and some more text"u8.ToArray(),
        })
        {
            var (client, server) = await FakeServer.ConnectAsync();
            using (server)
            {
                var buffer = new byte[10];
                var read = client.ReadAsync(default, 0, buffer, default);
                var id = server.ReceiveRequestId();
                if (answer[0] == FrameHeader.Version)
                {
                    System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(answer.AsSpan(8), id);
                }

                Assert.True(server.Socket.SendAll(answer));
                Assert.Equal(ReadStatus.Unavailable, (await read.Ends()).Status);
                Assert.False(client.IsOpen);
                await client.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task A_server_that_stalls_inside_an_answer_costs_the_connection_but_never_the_buffer()
    {
        var (client, server) = await FakeServer.ConnectAsync(new BlockConnectionOptions
        {
            ClusterId = "test",
            RequestTimeout = TimeSpan.FromMilliseconds(200),
            CancelGrace = TimeSpan.FromMilliseconds(200),
        });
        using (server)
        {
            var read = client.ReadAsync(default, 0, new byte[100_000], default);
            var id = server.ReceiveRequestId();
            var header = new byte[FrameHeader.Bytes + 50_000];
            new FrameHeader(FrameType.Read, FrameFlags.Answer, ReadStatus.Ok, 100_000, id).Write(header);
            Assert.True(server.Socket.SendAll(header));

            Assert.NotEqual(ReadStatus.Ok, (await read.Ends()).Status);
            await Eventually.Is(() => !client.IsOpen, "the connection is given up");
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_server_that_never_answers_is_left_after_twice_the_deadline()
    {
        var (client, server) = await FakeServer.ConnectAsync(new BlockConnectionOptions
        {
            ClusterId = "test",
            RequestTimeout = TimeSpan.FromMilliseconds(150),
        });
        using (server)
        {
            Assert.Equal(ReadStatus.DeadlineExceeded, (await client.ReadAsync(default, 0, new byte[10], default).Ends()).Status);
            await Eventually.Is(() => !client.IsOpen, "a silent server's connection is given up");
            await client.DisposeAsync();
        }
    }
}
