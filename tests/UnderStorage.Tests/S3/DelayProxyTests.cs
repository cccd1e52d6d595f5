using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using OrleansCache.Fakes.Network;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>The wire that other tests measure through.</summary>
public sealed class DelayProxyTests : IAsyncLifetime
{
    private static readonly TimeSpan HangLimit = TimeSpan.FromSeconds(60);
    private readonly TcpListener _target = new(IPAddress.Loopback, 0);
    private DelayProxy? _proxy;

    private DelayProxy Proxy => _proxy!;

    /// <inheritdoc/>
    public Task InitializeAsync()
    {
        _target.Start();
        _proxy = DelayProxy.Start(new DelayProxyOptions { Target = (IPEndPoint)_target.LocalEndpoint });
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        await Proxy.DisposeAsync();
        _target.Dispose();
    }

    [Fact]
    public async Task A_round_trip_takes_its_time_and_the_first_one_twice()
    {
        Proxy.RoundTrip = TimeSpan.FromMilliseconds(40);
        var clock = Stopwatch.StartNew();
        var (client, server) = await ConnectAsync();
        using (client)
        using (server)
        {
            await PingAsync(client, server);
            Assert.InRange(clock.ElapsedMilliseconds, 79, 5000);
            for (var round = 0; round < 5; round++)
            {
                clock.Restart();
                await PingAsync(client, server);
                Assert.InRange(clock.Elapsed.TotalMilliseconds, 39.9, 5000);
            }
        }

        Assert.Equal((1, 6, 6), (Proxy.Connections, Proxy.BytesUp, Proxy.BytesDown));
    }

    [Fact]
    public async Task All_connections_share_one_rate_and_bytes_arrive_in_order()
    {
        const int Bytes = 4 << 20;
        Proxy.RoundTrip = TimeSpan.FromMilliseconds(10);
        Proxy.DownBytesPerSecond = 16 << 20;
        var pairs = new[] { await ConnectAsync(), await ConnectAsync() };
        var data = new byte[Bytes];
        new Random(1).NextBytes(data);
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(pairs.Select(async pair =>
        {
            var sending = SendAsync(pair.Server, data);
            var got = new byte[Bytes];
            await ReceiveAsync(pair.Client, got);
            Assert.True(data.AsSpan().SequenceEqual(got), "other bytes arrived");
            await sending;
        })).WaitAsync(HangLimit);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0.499, 60);
        Assert.Equal(2L * Bytes, Proxy.BytesDown);
        foreach (var (client, server) in pairs)
        {
            client.Dispose();
            server.Dispose();
        }
    }

    [Fact]
    public async Task It_cuts_refuses_freezes_and_passes_on_the_end()
    {
        var (client, server) = await ConnectAsync();
        Proxy.Freeze();
        await client.SendAsync(new byte[] { 1 });
        var arriving = server.ReceiveAsync(new byte[1]);
        await Task.Delay(TimeSpan.FromMilliseconds(200));
        Assert.False(arriving.IsCompleted);
        Proxy.Thaw();
        Assert.Equal(1, await arriving.WaitAsync(HangLimit));

        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await server.ReceiveAsync(new byte[1]).WaitAsync(HangLimit));
        await server.SendAsync(new byte[] { 2 }); // The other half still flows.
        Assert.Equal(1, await client.ReceiveAsync(new byte[1]).WaitAsync(HangLimit));
        Proxy.Cut();
        await Assert.ThrowsAsync<SocketException>(() => client.ReceiveAsync(new byte[1]).WaitAsync(HangLimit));

        await Proxy.RefuseAsync();
        await Assert.ThrowsAsync<SocketException>(() => ConnectAsync().WaitAsync(HangLimit));
        Proxy.Accept();
        var (again, _) = await ConnectAsync();
        again.Dispose();
    }

    private static async Task PingAsync(Socket client, Socket server)
    {
        await client.SendAsync(new byte[] { 1 });
        Assert.Equal(1, await server.ReceiveAsync(new byte[1]).WaitAsync(HangLimit));
        await server.SendAsync(new byte[] { 1 });
        Assert.Equal(1, await client.ReceiveAsync(new byte[1]).WaitAsync(HangLimit));
    }

    private static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes)..];
        }
    }

    private static async Task ReceiveAsync(Socket socket, Memory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var count = await socket.ReceiveAsync(bytes);
            Assert.NotEqual(0, count);
            bytes = bytes[count..];
        }
    }

    private async Task<(Socket Client, Socket Server)> ConnectAsync()
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await client.ConnectAsync(Proxy.EndPoint);
        return (client, await _target.AcceptSocketAsync().WaitAsync(HangLimit));
    }
}
