using OrleansCache.DataPlane.Server;
using OrleansCache.Files;
using Xunit.Abstractions;

namespace OrleansCache.DataPlane.Tests.Load;

/// <summary>Callers give up at random, at any point of a read or a batch: nothing is kept for them, at neither end.</summary>
public sealed class CancelLeakTests(ITestOutputHelper output)
{
    private const int Readers = 16;
    private const int ReadThroughBuffers = 3;

    /// <summary>Over each transport: 2,000 in CI, 50,000 with OCACHE_TEST_LONG=1.</summary>
    private static readonly int Cancels = Environment.GetEnvironmentVariable("OCACHE_TEST_LONG") == "1" ? 50_000 : 2_000;

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
        var never = server.Service.Add(content);
        server.Service.Hold(never);
        FileKey[] keys = [never, server.Service.Add(content), server.Service.Add(content), new FileKey(1, 2)]; // the last is missing
        await using var connection = await server.ConnectAsync(overUnix);
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var (requests, cancelled) = (0, 0);
        var readers = Enumerable.Range(0, Readers)
            .Select(reader => new ImpatientReader(connection, server.Service, content, keys, seed + reader)).ToList();
        await Task.WhenAll(readers.Select(reader => Task.Run(async () =>
        {
            while (Volatile.Read(ref cancelled) < Cancels)
            {
                Interlocked.Increment(ref requests);
                Interlocked.Add(ref cancelled, await reader.GivesUpAsync(mayHang: true) ? 1 : 0);
            }
        })));

        await Eventually.Is(() => server.Service is { Waiting: 0, Pins: 0 }, $"seed {seed}: nothing is in flight at the server");
        await Eventually.Is(() => server.Metrics.BusyConnections == 0, $"seed {seed}: the connection owes nothing");
        await Eventually.Is(() => connection is { RequestsInFlight: 0, BatchesInFlight: 0 }, $"seed {seed}: nothing is in flight at the client");
        readers.ForEach(static reader => reader.CheckUntouched());
        output.WriteLine(
            $"{requests:N0} requests, {readers.Sum(static reader => reader.Batches):N0} of them batches, {cancelled:N0} cancelled; "
            + $"{readers.Sum(static reader => reader.Bytes) >> 20:N0} MiB came and were right; then held by the client: "
            + $"{connection.RequestsInFlight} slots, {connection.BatchesInFlight} credits; by the server: {server.Service.Pins} pins, "
            + $"{server.Server.ReadThroughBuffersInUse} buffers, {server.Service.Waiting} waiting");
        Assert.Equal(0, server.Server.ReadThroughBuffersInUse);

        // And all of it still works.
        await Task.WhenAll(readers.Select(static reader => reader.GivesUpAsync(mayHang: false)));
        Assert.Equal((0, 0, 1), (server.Metrics.ServiceFailures, server.Metrics.MalformedFramesTotal, server.Metrics.Connections));
        Assert.InRange(cancelled, requests / 10, requests * 9 / 10);
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
}
