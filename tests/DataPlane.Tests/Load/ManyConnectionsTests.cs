using System.Diagnostics;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Server;
using OrleansCache.Files;
using Xunit.Abstractions;

namespace OrleansCache.DataPlane.Tests.Load;

/// <summary>A cluster's clients are all connected and mostly idle; what that costs, and that nobody waits for a slow one.</summary>
public sealed class ManyConnectionsTests(ITestOutputHelper output)
{
    private const int ReadsEach = 20;

    private static readonly bool IsLong = Environment.GetEnvironmentVariable("OCACHE_TEST_LONG") == "1";

    private static BlockServerOptions Options(string path) => new()
    {
        ClusterId = "test",
        SocketPath = path,
        MaxConnectionsPerPeer = 16_384,
        IdleAfter = TimeSpan.FromMilliseconds(200),
        SendTimeout = TimeSpan.FromMinutes(5),
    };

    [Fact]
    public async Task Idle_connections_cost_no_threads_and_slow_readers_stall_nobody()
    {
        var (idle, busy, slow) = IsLong ? (10_000, 450, 50) : (600, 30, 8);
        await using var server = new TestServer(Options);
        var content = Eventually.Ramp(64 * 1024);
        var key = server.Service.Add(content);
        var large = server.Service.Add(new byte[8 << 20]);
        var before = ResidentBytes();
        await using var peers = await IdlePeers.StartAsync(server.Tcp.Port, idle);
        await Eventually.Is(() => server.Metrics is { BusyConnections: 0, Connections: var all } && all == idle, "all are idle");
        var added = ResidentBytes() - before;
        output.WriteLine($"{idle} idle connections: {added / 1024:N0} KiB resident, {added / idle:N0} bytes each");
        if (IsLong)
        {
            Assert.True(added < 200L << 20, $"{idle} idle connections took {added:N0} bytes");
        }

        var stuck = Enumerable.Range(0, slow).Select(_ => NotReading(server, large)).ToList();
        await Eventually.Is(() => server.Service.Pins == slow, "all slow readers are stuck in an answer");
        var connections = new List<BlockConnection>();
        for (var index = 0; index < busy; index++)
        {
            connections.Add(await server.ConnectAsync(overUnix: index % 2 == 0));
        }

        var start = Stopwatch.GetTimestamp();
        var reading = connections.Select(connection => Task.Run(() => ReadAsync(connection, key, content))).ToList();
        Assert.Equal(idle, await peers.AskAsync());
        await Task.WhenAll(reading).WaitAsync(TimeSpan.FromMinutes(2));
        output.WriteLine(
            $"{busy} readers beside {slow} that do not read, and {idle} questions: {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s, "
            + $"{(ResidentBytes() - before) / 1024:N0} KiB resident");

        Assert.Equal(slow, server.Service.Pins);
        Assert.Equal(0, server.Metrics.SlowReadersDropped);
        stuck.ForEach(static peer => peer.Dispose());
        await Task.WhenAll(connections.Select(connection => connection.DisposeAsync().AsTask()));
        await Eventually.Is(
            () => server.Metrics is { BusyConnections: 0, Connections: var all } && all == idle && server.Service.Pins == 0,
            "only the idle are left");
        await server.Server.StopAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(0, server.Metrics.Connections);
    }

    [Fact]
    public async Task More_that_speak_than_threads_wait_their_turn()
    {
        await using var server = new TestServer(path => new BlockServerOptions
        {
            ClusterId = "test",
            SocketPath = path,
            MaxBusyConnections = 2,
            IdleAfter = TimeSpan.FromMilliseconds(20),
        });
        var content = Eventually.Ramp(5000);
        var key = server.Service.Add(content);
        var cold = server.Service.Add(content);
        var arrives = server.Service.Hold(cold);
        var connections = new List<BlockConnection>();
        for (var index = 0; index < 12; index++)
        {
            connections.Add(await server.ConnectAsync(overUnix: index % 2 == 0));
        }

        // Both threads are with requests that wait in the silo.
        var held = connections.Take(2).Select(connection => connection.ReadAsync(cold, 0, new byte[100], default).Ends()).ToList();
        await Eventually.Is(() => server.Service.Waiting == 2, "both threads are taken");
        var reads = connections.Skip(2).Select(connection => Task.Run(() => ReadAsync(connection, key, content))).ToList();
        Assert.Equal(2, server.Metrics.BusyConnections);
        Assert.DoesNotContain(reads, static read => read.IsCompleted);
        arrives();

        Assert.All(await Task.WhenAll(held), static read => Assert.Equal(ReadStatus.Ok, read.Status));
        await Task.WhenAll(reads).WaitAsync(TimeSpan.FromSeconds(60));
        await Eventually.Is(() => server.Metrics.BusyConnections == 0, "the threads are given back");
        await Task.WhenAll(connections.Select(connection => connection.DisposeAsync().AsTask()));
    }

    [Fact]
    public async Task Those_that_never_pause_take_turns()
    {
        await using var server = new TestServer(path => new BlockServerOptions
        {
            ClusterId = "test",
            SocketPath = path,
            MaxBusyConnections = 1,
            IdleAfter = TimeSpan.FromSeconds(2),
        });
        var content = Eventually.Ramp(5000);
        var key = server.Service.Add(content);
        using var stop = new CancellationTokenSource();
        var reads = new int[3];
        await using var first = await server.ConnectAsync();
        var reading = new List<Task> { KeepReadingAsync(first, key, reads, 0, stop.Token) };
        await Eventually.Is(() => reads[0] > 10, "the first has the thread and never pauses");

        // Others come in, and all go on.
        await using var second = await server.ConnectAsync();
        reading.Add(KeepReadingAsync(second, key, reads, 1, stop.Token));
        await using var third = await server.ConnectAsync(overUnix: false);
        reading.Add(KeepReadingAsync(third, key, reads, 2, stop.Token));
        var before = Volatile.Read(ref reads[0]);
        await Eventually.Is(() => reads[0] > before + 20 && reads[1] > 20 && reads[2] > 20, "all three are served");
        await stop.CancelAsync();
        await Task.WhenAll(reading).WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Strangers_that_do_not_finish_delay_nobody_who_is_known()
    {
        await using var server = new TestServer(path => new BlockServerOptions
        {
            ClusterId = "test",
            SocketPath = path,
            MaxBusyConnections = 4,
            IdleAfter = TimeSpan.FromMilliseconds(20),
            HandshakeTimeout = TimeSpan.FromSeconds(2),
        });
        var key = server.Service.Add(Eventually.Ramp(100));
        await using var known = await server.ConnectAsync();
        await Eventually.Is(() => server.Metrics.BusyConnections == 0, "it is idle");
        var strangers = Enumerable.Range(0, 20).Select(_ => RawPeer.Connect(server, overUnix: false, shakeHands: false)).ToList();
        Assert.All(strangers, static stranger => Assert.True(stranger.Socket.SendAll(new byte[] { 1, 1, 0 })));
        await Eventually.Is(() => server.Metrics.BusyConnections == 1, "strangers have one of four threads");

        Assert.Equal(ReadStatus.Ok, (await known.ReadAsync(key, 0, new byte[100], default).Ends()).Status);
        await Eventually.Is(
            () => server.Metrics.RefusedHandshakes(Handshakes.HandshakeRefusal.TimedOut) == 20, "all of them are ended and counted");
        strangers.ForEach(static stranger => stranger.Dispose());
        await using var next = await server.ConnectAsync();
        Assert.Equal(ReadStatus.Ok, (await next.ReadAsync(key, 0, new byte[100], default).Ends()).Status);
    }

    private static RawPeer NotReading(TestServer server, FileKey key)
    {
        var peer = RawPeer.Connect(server, overUnix: false);
        for (var id = 1UL; id <= 4; id++)
        {
            Assert.True(peer.Socket.SendAll(RawPeer.Read(key, 0, 8 << 20, id)));
        }

        return peer;
    }

    private static async Task ReadAsync(BlockConnection connection, FileKey key, byte[] content)
    {
        var buffer = new byte[content.Length];
        for (var round = 0; round < ReadsEach; round++)
        {
            Assert.Equal(ReadStatus.Ok, (await connection.ReadAsync(key, 0, buffer, default)).Status);
            Assert.True(content.AsSpan().SequenceEqual(buffer), "the bytes differ");
            buffer.AsSpan().Clear();
        }
    }

    private static Task KeepReadingAsync(
        BlockConnection connection, FileKey key, int[] reads, int index, CancellationToken stop) => Task.Run(
        async () =>
        {
            var buffer = new byte[5000];
            while (!stop.IsCancellationRequested)
            {
                Assert.Equal(ReadStatus.Ok, (await connection.ReadAsync(key, 0, buffer, default)).Status);
                Interlocked.Increment(ref reads[index]);
            }
        },
        CancellationToken.None);

    private static long ResidentBytes()
    {
        GC.Collect();
        using var self = Process.GetCurrentProcess();
        return self.WorkingSet64;
    }
}
