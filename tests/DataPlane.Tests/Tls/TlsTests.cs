using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Server;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Tests.Tls;

/// <summary>TLS behaves as the plain socket does, but for descriptors.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly Authority _authority = new Authority().Issue();

    public void Dispose() => _authority.Dispose();

    private TestServer Serve(TimeSpan? frameTimeout = null, TimeSpan? sendTimeout = null) => new(path => new BlockServerOptions
    {
        ClusterId = "test",
        SocketPath = path,
        ClusterSecret = TestServer.Secret,
        Certificate = _authority.Files,
        IdleAfter = TimeSpan.FromMilliseconds(50),
        StopTimeout = TimeSpan.FromSeconds(4),
        FrameTimeout = frameTimeout ?? TimeSpan.FromSeconds(10),
        SendTimeout = sendTimeout ?? TimeSpan.FromSeconds(30),
    });

    private Task<BlockConnection> ConnectAsync(TestServer server) =>
        server.ConnectAsync(overUnix: false, _authority.Client(secret: TestServer.Secret));

    [Fact]
    public async Task Every_size_arrives_as_it_was_pipelined_and_cold()
    {
        await using var server = Serve();
        await using var connection = await ConnectAsync(server);
        var content = Eventually.Ramp((8 << 20) + 12_345);
        var key = server.Service.Add(content);
        var cold = server.Service.Add(content);
        var arrives = server.Service.Hold(cold);
        var held = new byte[300_000];
        var late = connection.ReadAsync(cold, 7, held, default).Ends();
        var reads = new List<Task>();
        foreach (var length in new[] { 1, 4096, 16_384, 32 * 1024, 32 * 1024 + 1, 128 * 1024, 1 << 20, content.Length })
        {
            for (var round = 0; round < 4; round++)
            {
                reads.Add(Task.Run(async () =>
                {
                    var buffer = new byte[length];
                    var offset = content.Length - length;
                    Assert.Equal(ReadStatus.Ok, (await connection.ReadAsync(key, offset, buffer, default).Ends()).Status);
                    Assert.True(content.AsSpan(offset, length).SequenceEqual(buffer), $"{length} bytes differ");
                }));
            }
        }

        await Task.WhenAll(reads);
        Assert.False(late.IsCompleted);
        arrives();
        Assert.Equal(ReadStatus.Ok, (await late).Status);
        Assert.True(content.AsSpan(7, held.Length).SequenceEqual(held), "the cold bytes differ");
    }

    [Fact]
    public async Task Requests_that_fill_the_servers_buffer_exactly_do_not_hold_up_what_waits()
    {
        // After a full buffer TLS may keep more that the socket does not show: the server must look without waiting.
        await using var server = Serve();
        var content = Eventually.Ramp(100);
        var key = server.Service.Add(content);
        var cold = server.Service.Add(content);
        var arrives = server.Service.Hold(cold);
        using var peer = TlsPeer.Connect(server, _authority, TestServer.Secret);
        byte[] frames =
        [
            .. RawPeer.Read(cold, 0, 10, id: 1000),
            .. RawPeer.Frame(FrameType.Report, new byte[200 * ReportCodec.EntryBytes]),
            .. RawPeer.Frame(FrameType.Report, new byte[200 * ReportCodec.EntryBytes]),
            .. RawPeer.Frame(FrameType.Report, new byte[106 * ReportCodec.EntryBytes]),
        ];
        Assert.Equal(ServerConnection.InputBytes, frames.Length);
        Assert.True(peer.Wire.SendAll(frames));
        await Eventually.Is(() => server.Service.Waiting == 1, "the cold read waits");
        arrives();
        Assert.True(await peer.AnswersAsync(until: 1000), "the cold read is answered");
    }

    [Fact]
    public async Task A_silent_peer_costs_no_thread_and_is_served_when_it_speaks()
    {
        await using var server = Serve();
        await using var connection = await ConnectAsync(server);
        var content = Eventually.Ramp(70_000);
        var key = server.Service.Add(content);
        for (var round = 0; round < 5; round++)
        {
            var buffer = new byte[content.Length];
            Assert.Equal(ReadStatus.Ok, (await connection.ReadAsync(key, 0, buffer, default).Ends()).Status);
            Assert.True(content.AsSpan().SequenceEqual(buffer), "the bytes differ");
            await Eventually.Is(() => server.Metrics.BusyConnections == 0, $"round {round}: the thread is given back");
        }

        Assert.Equal((1, 0), (server.Metrics.ConnectionsAccepted, server.Metrics.MalformedFramesTotal));
    }

    [Fact]
    public async Task A_cancelled_read_ends_at_once_and_the_connection_goes_on()
    {
        await using var server = Serve();
        await using var connection = await ConnectAsync(server);
        var key = server.Service.Add(Eventually.Ramp(100));
        server.Service.Hold(key);
        using var cancel = new CancellationTokenSource();
        var read = connection.ReadAsync(key, 0, new byte[100], cancel.Token).Ends();
        await Eventually.Is(() => server.Service.Waiting == 1, "it waits in the silo");
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        await Eventually.Is(() => server.Service.Cancelled == 1, "the silo is told");
        Assert.Equal(ReadStatus.Ok, (await connection.GetStatusAsync(default).Ends()).Status);
    }

    [Fact]
    public async Task A_peer_that_does_not_read_is_dropped_and_stalls_nobody()
    {
        await using var server = Serve(sendTimeout: TimeSpan.FromSeconds(1));
        var key = server.Service.Add(Eventually.Ramp(8 << 20));
        await using var other = await ConnectAsync(server);
        using var slow = TlsPeer.Connect(server, _authority, TestServer.Secret);
        for (var id = 1UL; id <= 8; id++)
        {
            Assert.True(slow.Wire.SendAll(RawPeer.Read(key, 0, 8 << 20, id)));
        }

        await Eventually.Is(() => server.Service.Pins == 1, "the answer is stuck");
        Assert.Equal(ReadStatus.Ok, (await other.ReadAsync(key, 0, new byte[64 * 1024], default).Ends()).Status);
        await Eventually.Is(() => server.Metrics.SlowReadersDropped == 1 && server.Service.Pins == 0, "it is dropped");
    }

    [Fact]
    public async Task A_stop_ends_in_bounded_time_whatever_the_peers_do()
    {
        await using var server = Serve();
        var key = server.Service.Add(Eventually.Ramp(8 << 20));
        await using var idle = await ConnectAsync(server);
        using var stuck = TlsPeer.Connect(server, _authority, TestServer.Secret);
        for (var id = 1UL; id <= 8; id++)
        {
            Assert.True(stuck.Wire.SendAll(RawPeer.Read(key, 0, 8 << 20, id)));
        }

        await Eventually.Is(() => server.Service.Pins == 1, "one is stuck");
        var start = Stopwatch.GetTimestamp();
        await server.Server.StopAsync();
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10), "the stop took too long");
        Assert.Equal((0, 0), (server.Service.Pins, server.Metrics.Connections));
    }

    [Fact]
    public async Task The_unix_socket_stays_without_TLS_and_passes_descriptors()
    {
        await using var server = Serve();
        await using var connection = await server.ConnectAsync(overUnix: true, _authority.Client(secret: TestServer.Secret));
        var lease = await connection.LeaseAsync(server.Service.Add(Eventually.Ramp(100)), default).Ends();
        Assert.Equal(ReadStatus.Ok, lease.Status);
        lease.Lease!.Dispose();
    }

    [Fact]
    public async Task A_record_that_never_ends_is_ended()
    {
        await using var server = Serve(frameTimeout: TimeSpan.FromMilliseconds(600));
        await using var other = await ConnectAsync(server);
        using var peer = TlsPeer.Connect(server, _authority, TestServer.Secret);

        // A record of 16 KiB, a byte now and then: TLS would wait for it for hours.
        Assert.True(peer.Wire.Socket.SendAll(new byte[] { 23, 3, 3, 0x40, 0 }));
        var start = Stopwatch.GetTimestamp();
        while (peer.Wire.Socket.SendAll(new byte[1]) && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(15))
        {
            await Task.Delay(20);
        }

        await Eventually.Is(() => server.Metrics.MalformedFrames(FrameError.Truncated) == 1, "it is counted");
        Assert.Equal(ReadStatus.Ok, (await other.GetStatusAsync(default).Ends()).Status);
    }

    [Fact]
    public async Task Off_loopback_a_certificate_does_as_well_as_trust()
    {
        await using var server = new TestServer(_ => new BlockServerOptions
        {
            ClusterId = "test",
            Host = "0.0.0.0",
            ClusterSecret = TestServer.Secret,
            Certificate = _authority.Files,
        });
        await using var connection = await BlockConnection.ConnectAsync(
            server.Tcp with { Host = "127.0.0.1" }, _authority.Client(secret: TestServer.Secret), TimeProvider.System, default);
        Assert.Equal(ReadStatus.Ok, (await connection.GetStatusAsync(default).Ends()).Status);
    }

    [Fact]
    public async Task A_client_sends_nothing_to_another_host_without_TLS_or_trust()
    {
        var options = new BlockConnectionOptions { ClusterId = "test", ClusterSecret = TestServer.Secret };
        var refused = await Assert.ThrowsAsync<HandshakeRefusedException>(() => BlockConnection.ConnectAsync(
            new DataEndpoint("192.0.2.1", 9, null), options, TimeProvider.System, default));
        Assert.Equal(HandshakeRefusal.TlsRequired, refused.Refusal);
        Assert.Contains("TrustedNetwork", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_older_TLS_is_refused_and_counted()
    {
        await using var server = Serve();
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, server.Tcp.Port);
        await using var tls = new SslStream(new NetworkStream(socket));
        await Assert.ThrowsAnyAsync<Exception>(() => tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = SslProtocols.Tls12,
        }).WaitAsync(TimeSpan.FromSeconds(15)));
        await Eventually.Is(() => server.Metrics.RefusedHandshakes(HandshakeRefusal.TlsFailed) == 1, "it is counted");
    }
}
