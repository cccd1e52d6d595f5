using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Runtime.Messaging;

namespace OrleansCache.Orleans.Lite.Tests;

/// <summary>The gateway's port: friends that come and go, strangers that send anything.</summary>
public sealed class GatewayTests
{
    [Fact]
    public async Task Calls_in_flight_fail_when_the_gateway_dies_and_work_again_when_it_is_back()
    {
        var port = TestHost.FreePort();
        var silo = await TestHost.SiloAsync(port);
        using var client = await TestHost.ClientAsync(
            port, builder =>
                builder.Configure<ConnectionOptions>(o => o.ConnectionRetryDelay = TimeSpan.FromMilliseconds(50)));
        var grain = client.Grains().GetGrain<IBusyGrain>("restart");
        var gate = "restart" + port;
        var call = grain.Block(gate);
        await Gate.Of(gate).Entered;
        var stopping = silo.StopAsync(new CancellationToken(true));
        var exception = await Assert.ThrowsAsync<SiloUnavailableException>(() => call).WaitAsync(TestHost.Patience);
        Assert.Contains("Whether it ran is unknown", exception.Message, StringComparison.Ordinal);
        Gate.Of(gate).Open();
        await stopping.WaitAsync(TestHost.Patience);
        silo.Dispose();

        var again = await TestHost.SiloAsync(port);
        Assert.Equal(0, await grain.Count().WaitAsync(TestHost.Patience));
        await client.StopAndDisposeAsync();
        await again.StopAndDisposeAsync();
    }

    [Fact]
    public async Task A_call_without_any_gateway_fails_in_bounded_time_and_says_it_was_not_sent()
    {
        var port = TestHost.FreePort();
        var silo = await TestHost.SiloAsync(port);
        using var client = await TestHost.ClientAsync(
            port, builder =>
                builder.Configure<ConnectionOptions>(o => o.OpenConnectionTimeout = TimeSpan.FromMilliseconds(400)));
        var grain = client.Grains().GetGrain<IEchoGrain>("x");
        await silo.StopAndDisposeAsync();
        var exception = await Assert.ThrowsAsync<SiloUnavailableException>(async () =>
        {
            await grain.Echo("first may see the loss");
        });
        exception =
            await Assert.ThrowsAsync<SiloUnavailableException>(() => grain.Echo("a")).WaitAsync(TestHost.Patience);
        Assert.Contains("was not sent", exception.Message, StringComparison.Ordinal);
        await client.StopAndDisposeAsync();
    }

    [Fact]
    public async Task A_client_without_a_silo_does_not_start_and_says_where_it_knocked()
    {
        var port = TestHost.FreePort();
        var exception = await Assert.ThrowsAsync<ConnectionFailedException>(() => TestHost.ClientAsync(port));
        Assert.Contains($"127.0.0.1:{port}", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_retry_filter_lets_a_client_wait_for_its_silo()
    {
        var port = TestHost.FreePort();
        IHost? silo = null;
        var client = await TestHost.ClientAsync(port, builder => builder
            .Configure<ConnectionOptions>(o => o.ConnectionRetryDelay = TimeSpan.FromMilliseconds(10))
            .UseConnectionRetryFilter(async (_, _) =>
            {
                silo ??= await TestHost.SiloAsync(port);
                return true;
            }));
        Assert.Equal("up", await client.Grains().GetGrain<IEchoGrain>("x").Echo("up"));
        await client.StopAndDisposeAsync();
        await silo!.StopAndDisposeAsync();
    }

    [Fact]
    public async Task Another_cluster_or_service_is_refused_with_both_names()
    {
        var port = TestHost.FreePort();
        using var silo = await TestHost.SiloAsync(port);
        var exception = await Assert.ThrowsAsync<ConnectionFailedException>(() => TestHost.ClientAsync(
            port, builder => builder.Configure<ClusterOptions>(o => o.ClusterId = "other")));
        Assert.Contains("orleans-lite/other", exception.Message, StringComparison.Ordinal);
        Assert.Contains("orleans-lite/dev", exception.Message, StringComparison.Ordinal);
        await silo.StopAndDisposeAsync();
    }

    [Fact]
    public async Task A_taken_port_fails_the_start_with_the_port()
    {
        var port = TestHost.FreePort();
        using var silo = await TestHost.SiloAsync(port);
        var exception = await Assert.ThrowsAsync<OrleansConfigurationException>(() => TestHost.SiloAsync(port));
        Assert.Contains(port.ToString(), exception.Message, StringComparison.Ordinal);
        await silo.StopAndDisposeAsync();
    }

    [Fact]
    public async Task Listening_beyond_loopback_is_refused_and_names_the_cluster_secret()
    {
        var exception = await Assert.ThrowsAsync<OrleansConfigurationException>(() => TestHost.SiloAsync(
            TestHost.FreePort(), builder =>
                builder.ConfigureEndpoints(IPAddress.Loopback, 1, TestHost.FreePort(), true)));
        Assert.Contains("cluster secret", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("random")]
    [InlineData("huge-length")]
    [InlineData("http")]
    [InlineData("request-before-hello")]
    [InlineData("zero-length")]
    [InlineData("bad-version")]
    public async Task Garbage_closes_the_connection_at_once_and_hurts_nobody_else(string kind)
    {
        var port = TestHost.FreePort();
        using var silo = await TestHost.SiloAsync(port);
        using var client = await TestHost.ClientAsync(port);
        using var socket = await ConnectAsync(port);
        await socket.SendAsync(Garbage(kind));
        await ClosedAsync(socket);
        Assert.Equal("fine", await client.Grains().GetGrain<IEchoGrain>("g").Echo("fine"));
        await client.StopAndDisposeAsync();
        await silo.StopAndDisposeAsync();
    }

    [Fact]
    public async Task A_thousand_random_frames_after_a_good_hello_hurt_nobody_else()
    {
        var seed = Environment.TickCount;
        Console.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var port = TestHost.FreePort();
        using var silo = await TestHost.SiloAsync(port);
        using var client = await TestHost.ClientAsync(port);
        for (var round = 0; round < 100; round++)
        {
            using var socket = await ConnectAsync(port);
            await socket.SendAsync(GoodHello());
            for (var i = 0; i < 10; i++)
            {
                var body = new byte[random.Next(2, 300)];
                random.NextBytes(body);
                body[0] = 1;
                body[1] = (byte)random.Next(3, 9);
                if (!await TrySendAsync(socket, Frame(body)))
                {
                    break;
                }
            }
        }

        Assert.Equal("fine", await client.Grains().GetGrain<IEchoGrain>("g").Echo("fine").WaitAsync(TestHost.Patience));
        await client.StopAndDisposeAsync();
        await silo.StopAndDisposeAsync();
    }

    [Fact]
    public async Task A_stranger_who_says_nothing_is_closed_within_the_handshake_time()
    {
        var port = TestHost.FreePort();
        using var silo = await TestHost.SiloAsync(port, builder => builder.Configure<ConnectionOptions>(
            options => options.OpenConnectionTimeout = TimeSpan.FromMilliseconds(300)));
        using var socket = await ConnectAsync(port);
        await socket.SendAsync(GoodHello().AsMemory(0, 5));
        await ClosedAsync(socket);
        await TestHost.Until(
            () => TestLog.Lines.Any(
                line => line.Contains("said no hello", StringComparison.Ordinal)), "the reason in the log");
        await silo.StopAndDisposeAsync();
    }

    [Fact]
    public async Task A_request_context_that_cannot_be_read_fails_the_call_and_not_the_connection()
    {
        var port = TestHost.FreePort();
        using var silo = await TestHost.SiloAsync(port);
        using var client = await TestHost.ClientAsync(port, builder =>
            builder.Configure<ManifestOptions>(options => options.Includes = type =>
                type.Namespace?.EndsWith(".Bad", StringComparison.Ordinal) != true
                || type == typeof(Bad.KnownToTheClientOnly)));
        var gate = "context" + port;
        var beside = client.Grains().GetGrain<IBusyGrain>("beside").Block(gate);
        await Gate.Of(gate).Entered;
        RequestContext.Set("odd", new Bad.KnownToTheClientOnly());
        var exception = await Assert.ThrowsAsync<global::Orleans.Serialization.SerializerException>(
            () => client.Grains().GetGrain<IEchoGrain>("c").Echo("x"));
        Assert.Contains(nameof(Bad.KnownToTheClientOnly), exception.Message, StringComparison.Ordinal);
        RequestContext.Clear();
        Gate.Of(gate).Open();
        await beside.WaitAsync(TestHost.Patience); // The same connection, still.
        await client.StopAndDisposeAsync();
        await silo.StopAndDisposeAsync();
    }

    [Fact]
    public async Task A_client_that_went_silent_is_dropped()
    {
        var port = TestHost.FreePort();
        using var silo = await TestHost.SiloAsync(port, builder => builder
            .Configure<SiloMessagingOptions>(options => options.ClientDropTimeout = TimeSpan.FromMilliseconds(300)));
        using var socket = await ConnectAsync(port);
        await socket.SendAsync(GoodHello());
        await ClosedAsync(socket);
        await silo.StopAndDisposeAsync();
    }

    [Fact]
    public async Task A_quiet_client_keeps_its_connection_with_pings()
    {
        var port = TestHost.FreePort();
        using var silo = await TestHost.SiloAsync(port, builder => builder
            .Configure<SiloMessagingOptions>(options => options.ClientDropTimeout = TimeSpan.FromSeconds(2.5)));
        using var client = await TestHost.ClientAsync(port);
        var grain = client.Grains().GetGrain<IBusyGrain>("quiet");
        var gate = "quiet" + port;
        var call = grain.Block(gate);
        await Gate.Of(gate).Entered;
        await Task.Delay(4000);
        Gate.Of(gate).Open();
        await call.WaitAsync(TestHost.Patience);
        await client.StopAndDisposeAsync();
        await silo.StopAndDisposeAsync();
    }

    [Fact]
    public async Task A_message_beyond_the_limit_is_not_sent_and_says_so()
    {
        var port = TestHost.FreePort();
        using var silo = await TestHost.SiloAsync(port, builder => builder
            .Configure<SiloMessagingOptions>(options => options.MaxMessageBodySize = 200_000));
        using var client = await TestHost.ClientAsync(port, builder => builder
            .Configure<ClientMessagingOptions>(options => options.MaxMessageBodySize = 100_000));
        var grain = client.Grains().GetGrain<IEchoGrain>("big");
        var exception = await Assert.ThrowsAsync<OrleansException>(() => grain.SizeOf(new byte[100_001]));
        Assert.Contains("MaxMessageBodySize", exception.Message, StringComparison.Ordinal);
        var result =
            await Assert.ThrowsAsync<global::Orleans.Serialization.SerializerException>(() => grain.Big(300_000));
        Assert.Contains("MaxMessageBodySize", result.Message, StringComparison.Ordinal);
        Assert.Equal(50_000, await grain.SizeOf(new byte[50_000]));
        await client.StopAndDisposeAsync();
        await silo.StopAndDisposeAsync();
    }

    [Fact]
    public async Task A_client_that_does_not_read_its_answers_is_closed_before_they_fill_the_memory()
    {
        var port = TestHost.FreePort();
        using var silo = await TestHost.SiloAsync(port);
        using var socket = await ConnectAsync(port);
        await socket.SendAsync(GoodHello());

        // 64 MiB may wait behind 64 MiB that are being sent, and the kernel takes its part.
        for (var id = 1; id <= 200; id++)
        {
            if (!await TrySendAsync(socket, BigRequest(silo, id)))
            {
                break;
            }
        }

        await TestHost.Until(
            () => TestLog.Lines.Any(
                line => line.Contains("answers gather unread", StringComparison.Ordinal)), "the reason in the log");
        await ClosedAsync(socket);
        await silo.StopAndDisposeAsync();
    }

    [Fact]
    public async Task Requests_in_flight_of_one_client_are_bounded_and_refused_with_words()
    {
        var port = TestHost.FreePort();
        using var silo = await TestHost.SiloAsync(port, builder => builder
            .Configure<SiloMessagingOptions>(options => options.MaxEnqueuedRequestsHardLimit = 100_000));
        using var client = await TestHost.ClientAsync(port);
        var grain = client.Grains().GetGrain<IBusyGrain>("flood");
        var gate = "flood" + port;
        var first = grain.Block(gate);
        await Gate.Of(gate).Entered;
        var calls = Enumerable.Range(0, 10_100).Select(_ => grain.Count()).ToList();
        var refused = await Task.WhenAny(calls);
        await Assert.ThrowsAsync<GatewayTooBusyException>(() => refused);
        Gate.Of(gate).Open();
        await first;
        var outcomes = await Task.WhenAll(calls.Select(call => call.ContinueWith(
            done => done.IsCompletedSuccessfully, TaskScheduler.Default))).WaitAsync(TestHost.Patience);
        Assert.InRange(outcomes.Count(succeeded => succeeded), 9_999, 10_099);
        await client.StopAndDisposeAsync();
        await silo.StopAndDisposeAsync();
    }

    private static byte[] BigRequest(IHost silo, int id)
    {
        var calls = silo.Services.GetRequiredService<CallRuntime>();
        var method = ProxyBuilder.Get(
            typeof(IEchoGrain)).Description.Methods.Single(each => each.Method.Name == nameof(IEchoGrain.Big));
        var body = method.NewInvokable();
        body.SetArgument(0, 1_000_000);
        using var writer = global::Orleans.Serialization.WireWriter.Rent();
        RequestHeader.Write(
            writer, new Request(id, GrainId.Create("echo", "big"), calls.CodecOf(method), body), 30_000, false,
            new MessageLimits(
                1000, 1000), silo.Services.GetRequiredService<global::Orleans.Serialization.CodecProvider>());
        return writer.Written.ToArray();
    }

    private static byte[] GoodHello()
    {
        using var writer = global::Orleans.Serialization.WireWriter.Rent();
        Hello.Of(new ClusterOptions { ClusterId = "dev", ServiceId = "dev" }).Write(writer);
        return writer.Written.ToArray();
    }

    private static byte[] Frame(byte[] body)
    {
        var frame = new byte[4 + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, body.Length);
        body.CopyTo(frame, 4);
        return frame;
    }

    private static byte[] Garbage(string kind) => kind switch
    {
        "random" => Enumerable.Range(0, 5000).Select(i => (byte)(i * 7919 >> 3 | 0x80)).ToArray(),
        "huge-length" => [0xFF, 0xFF, 0xFF, 0x7F, 1, 1],
        "http" => "GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(),
        "request-before-hello" => Frame([1, 4, 0, 0]),
        "zero-length" => [0, 0, 0, 0],
        _ => Frame([99, 1, 0, 0]),
    };

    private static async Task<Socket> ConnectAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return socket;
    }

    private static async Task<bool> TrySendAsync(Socket socket, byte[] bytes)
    {
        try
        {
            await socket.SendAsync(bytes);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static async Task ClosedAsync(Socket socket)
    {
        var buffer = new byte[4096];
        try
        {
            using var patience = new CancellationTokenSource(TestHost.Patience);
            while (await socket.ReceiveAsync(buffer, patience.Token) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // A reset is a way of closing, too.
        }
    }
}
