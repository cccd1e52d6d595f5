using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Server;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Tests;

/// <summary>Starting, refusing to start, and ending.</summary>
public sealed class ServerLifetimeTests
{
    [Fact]
    public async Task Two_hundred_connections_are_served_and_all_end_with_the_server()
    {
        await using var server = new TestServer();
        var content = Eventually.Ramp(50_000);
        var key = server.Service.Add(content);
        var connections = await Task.WhenAll(Enumerable.Range(0, 200).Select(index => server.ConnectAsync(index % 2 == 0)));

        await Task.WhenAll(connections.Select(async connection =>
        {
            var buffer = new byte[content.Length];
            Assert.Equal(ReadStatus.Ok, (await connection.ReadAsync(key, 0, buffer, default).Ends()).Status);
            Assert.True(content.AsSpan().SequenceEqual(buffer), "the bytes differ");
        }));

        Assert.Equal(200, server.Metrics.Connections);
        await server.Server.StopAsync().WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(0, server.Metrics.Connections);
        foreach (var connection in connections)
        {
            await Eventually.Is(() => !connection.IsOpen, "the client has noticed");
            await connection.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_stop_ends_in_bounded_time_whatever_the_peers_do()
    {
        await using var server = new TestServer(path => new BlockServerOptions
        {
            ClusterId = "test",
            SocketPath = path,
            StopTimeout = TimeSpan.FromSeconds(2),
        });
        var key = server.Service.Add(Eventually.Ramp(8 << 20));
        await using var waiting = await server.ConnectAsync();
        var cold = server.Service.Add(Eventually.Ramp(100));
        server.Service.Hold(cold);
        var coldRead = waiting.ReadAsync(cold, 0, new byte[10], default).Ends();
        using var silent = RawPeer.Connect(server, overUnix: false, shakeHands: false);
        using var slow = RawPeer.Connect(server, overUnix: true);
        for (var id = 1UL; id < 8; id++)
        {
            Assert.True(slow.Socket.SendAll(RawPeer.Read(key, 0, 8 << 20, id)));
        }

        await Eventually.Is(() => server.Service.Pins == 1 && server.Service.Waiting == 1, "one is stuck, one waits");
        var start = Stopwatch.GetTimestamp();
        await server.Server.StopAsync();

        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(6), "the stop took too long");
        Assert.Equal(ReadStatus.Unavailable, (await coldRead).Status);
        Assert.Equal((0, 0), (server.Service.Pins, server.Metrics.Connections));
        Assert.False(File.Exists(server.Options.SocketPath), "the socket file must go");
    }

    [Fact]
    public async Task A_taken_port_is_a_sentence_that_says_which_and_what_to_do()
    {
        await using var first = new TestServer();
        var port = first.Tcp.Port;

        var taken = Assert.Throws<DataPlaneListenException>(
            () => new TestServer(_ => new BlockServerOptions { ClusterId = "test", Port = port }));
        Assert.Equal(DataPlaneListenError.Taken, taken.Error);
        Assert.Contains(port.ToString(System.Globalization.CultureInfo.InvariantCulture), taken.Message, StringComparison.Ordinal);
        Assert.Contains("--data-port", taken.Message, StringComparison.Ordinal);

        var served = Assert.Throws<DataPlaneListenException>(
            () => new TestServer(_ => new BlockServerOptions { ClusterId = "test", SocketPath = first.Options.SocketPath }));
        Assert.Equal(DataPlaneListenError.Taken, served.Error);
        await using var still = await first.ConnectAsync();
        Assert.True(still.PassesDescriptors);
    }

    [Theory]
    [InlineData("0.0.0.0", false, false, DataPlaneListenError.SecretRequired)]
    [InlineData("0.0.0.0", false, true, DataPlaneListenError.SecretRequired)]
    [InlineData("::", true, false, DataPlaneListenError.TrustRequired)]
    [InlineData("192.0.2.1", true, true, DataPlaneListenError.Address)]
    [InlineData("no.such.host.invalid", true, true, DataPlaneListenError.Address)]
    public void Off_loopback_a_secret_and_trust_are_needed(string host, bool secret, bool trusted, DataPlaneListenError error)
    {
        var refused = Assert.Throws<DataPlaneListenException>(() => new TestServer(_ => new BlockServerOptions
        {
            ClusterId = "test",
            Host = host,
            ClusterSecret = secret ? TestServer.Secret : default,
            TrustedNetwork = trusted,
        }));

        Assert.Equal(error, refused.Error);
        Assert.Contains(host, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_a_secret_and_trust_all_addresses_are_served()
    {
        await using var server = new TestServer(_ => new BlockServerOptions
        {
            ClusterId = "test",
            Host = "0.0.0.0",
            ClusterSecret = TestServer.Secret,
            TrustedNetwork = true,
        });
        var options = new BlockConnectionOptions { ClusterId = "test", ClusterSecret = TestServer.Secret };
        await using var connection = await BlockConnection.ConnectAsync(
            server.Tcp with { Host = "localhost" }, options, TimeProvider.System, default);

        Assert.Equal(ReadStatus.Ok, (await connection.GetStatusAsync(default).Ends()).Status);
    }

    [Fact]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public async Task The_unix_socket_is_only_its_users()
    {
        await using var server = new TestServer();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(server.Options.SocketPath!));

        var open = Directory.CreateTempSubdirectory("dp-open-");
        try
        {
            File.SetUnixFileMode(open.FullName, (UnixFileMode)0b111_101_101);
            var refused = Assert.Throws<DataPlaneListenException>(() => new TestServer(
                _ => new BlockServerOptions { ClusterId = "test", SocketPath = Path.Combine(open.FullName, "s") }));
            Assert.Equal(DataPlaneListenError.SocketPath, refused.Error);
        }
        finally
        {
            open.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_socket_file_left_by_a_killed_silo_is_taken_over()
    {
        await using var server = new TestServer(path =>
        {
            using (var dead = StreamSocket.Listen(new System.Net.Sockets.UnixDomainSocketEndPoint(path), 1))
            {
                Assert.True(File.Exists(path));
            }

            return new BlockServerOptions { ClusterId = "test", SocketPath = path };
        });
        await using var connection = await server.ConnectAsync();
        Assert.True(connection.PassesDescriptors);
    }

    [Fact]
    public async Task Nobody_there_is_unreachable_in_bounded_time()
    {
        using var listener = StreamSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0), 1);
        var silent = new DataEndpoint("127.0.0.1", listener.LocalEndPoint.Port, "/no/such/socket");
        var options = new BlockConnectionOptions { ClusterId = "test", ConnectTimeout = TimeSpan.FromMilliseconds(300) };
        await Assert.ThrowsAsync<BlockServerUnreachableException>(
            () => BlockConnection.ConnectAsync(silent, options, TimeProvider.System, default).WaitAsync(TimeSpan.FromSeconds(10)));

        listener.Dispose();
        await Assert.ThrowsAsync<BlockServerUnreachableException>(
            () => BlockConnection.ConnectAsync(silent, options, TimeProvider.System, default).WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task What_is_counted_is_published()
    {
        await using var server = new TestServer();
        await using var connection = await server.ConnectAsync();
        await connection.GetStatusAsync(default).Ends();
        using var meter = new System.Diagnostics.Metrics.Meter("test of " + BlockServerMetrics.MeterName);
        using var listener = new System.Diagnostics.Metrics.MeterListener();
        var seen = new Dictionary<string, long>();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (ReferenceEquals(instrument.Meter, meter))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            seen[$"{instrument.Name}/{(tags.Length > 0 ? tags[0].Value : null)}"] = value);
        listener.Start();

        server.Metrics.Publish(meter);
        listener.RecordObservableInstruments();

        Assert.Equal(1, seen["ocache_dataplane_connections/"]);
        Assert.Equal(1, seen["ocache_dataplane_requests_total/Status"]);
    }

    [Fact]
    public async Task A_server_never_started_can_be_stopped()
    {
        using var service = new FakeBlockService("/nowhere");
        var server = new BlockServer(
            new BlockServerOptions { ClusterId = "test" }, service, NullLogger<BlockServer>.Instance, TimeProvider.System);
        await server.StopAsync().WaitAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(0, server.Metrics.Connections);
    }
}
