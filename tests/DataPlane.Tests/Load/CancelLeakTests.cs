using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Server;
using OrleansCache.Files;
using Xunit.Abstractions;

namespace OrleansCache.DataPlane.Tests.Load;

/// <summary>Callers give up at random, at any point of a read: nothing is kept for them, at neither end.</summary>
public sealed class CancelLeakTests(ITestOutputHelper output)
{
    private const int Readers = 16;
    private const int ReadThroughBuffers = 3;

    /// <summary>4,000 in CI, 100,000 with OCACHE_TEST_LONG=1.</summary>
    private static readonly int Reads = Environment.GetEnvironmentVariable("OCACHE_TEST_LONG") == "1" ? 100_000 : 4_000;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Everything_is_given_back_after_random_cancels(bool overUnix)
    {
        await using var server = new TestServer(path => new BlockServerOptions
        {
            ClusterId = "test",
            SocketPath = path,
            ReadThroughBuffers = ReadThroughBuffers,
            IdleAfter = TimeSpan.FromMilliseconds(100),
        });
        var content = Eventually.Ramp(2 << 20);
        var warm = server.Service.Add(content);
        var never = server.Service.Add(content);
        server.Service.Hold(never);
        await using var connection = await server.ConnectAsync(overUnix);
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var cancelled = 0;
        await Task.WhenAll(Enumerable.Range(0, Readers).Select(reader => Task.Run(async () =>
        {
            var random = new Random(seed + reader);
            var buffer = new byte[1 << 20];
            for (var round = 0; round < Reads / Readers; round++)
            {
                server.Service.IsFull = random.Next(4) == 0; // Then reads go past the store.
                var key = random.Next(3) == 0 ? never : warm;
                Interlocked.Add(ref cancelled, await ReadAsync(connection, key, content, buffer, random, mayEnd: key == warm) ? 0 : 1);
            }
        })));

        output.WriteLine($"{cancelled:N0} of {Reads:N0} were cancelled");
        Assert.InRange(cancelled, Reads / 10, Reads * 9 / 10);
        await Eventually.Is(
            () => connection.RequestsInFlight == 0 && server.Service is { Waiting: 0, Pins: 0 }, $"seed {seed}: nothing is in flight at either end");
        await Eventually.Is(() => server.Metrics.BusyConnections == 0, $"seed {seed}: the connection owes nothing");

        // Each permit of the reads past the store is back, else these would wait for ever.
        server.Service.IsFull = true;
        var last = await Task.WhenAll(Enumerable.Range(0, 4 * ReadThroughBuffers)
            .Select(_ => connection.ReadAsync(warm, 0, new byte[content.Length], default).Ends()));
        Assert.All(last, static outcome => Assert.Equal(ReadStatus.Ok, outcome.Status));
        Assert.Equal((0, 1), (server.Metrics.ServiceFailures, server.Metrics.Connections));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task As_many_as_may_wait_can_all_be_given_up(bool overUnix)
    {
        await using var server = new TestServer(path => new BlockServerOptions { ClusterId = "test", SocketPath = path, MaxRequestsInFlight = 4 });
        var never = server.Service.Add(Eventually.Ramp(100));
        server.Service.Hold(never);
        await using var connection = await server.ConnectAsync(overUnix);
        using var cancel = new CancellationTokenSource();
        var reads = Enumerable.Range(0, 4).Select(_ => connection.ReadAsync(never, 0, new byte[10], cancel.Token).Ends()).ToList();
        await Eventually.Is(() => server.Service.Waiting == 4, "no other may wait");
        await cancel.CancelAsync();
        await Eventually.Is(() => server.Service.Waiting == 0 && connection.RequestsInFlight == 0, "all are given up, long before their deadline");
        foreach (var read in reads)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        }
    }

    /// <summary>Reads and perhaps gives up; whether the bytes came.</summary>
    private static async Task<bool> ReadAsync(BlockConnection connection, FileKey key, byte[] content, byte[] buffer, Random random, bool mayEnd)
    {
        var length = 1 << random.Next(4, 21);
        var offset = random.Next(content.Length - length);
        using var cancel = new CancellationTokenSource();
        var isPatient = mayEnd && random.Next(3) == 0;
        var reading = connection.ReadAsync(key, offset, buffer.AsMemory(0, length), cancel.Token).AsTask();
        for (var spins = random.Next(40); spins > 0; spins--)
        {
            await Task.Yield();
        }

        try
        {
            if (!isPatient)
            {
                await cancel.CancelAsync();
            }

            Assert.Equal(ReadStatus.Ok, (await reading.WaitAsync(TimeSpan.FromSeconds(60))).Status);
            Assert.True(content.AsSpan(offset, length).SequenceEqual(buffer.AsSpan(0, length)), "the bytes differ");
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
