using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Server;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Tests;

/// <summary>Connections that come back.</summary>
public sealed class PoolTests
{
    private static BlockConnectionPool Pool(TimeSpan? getTimeout = null, int maxConnections = 4, int maxEndpoints = 8) => new(
        new BlockConnectionPoolOptions
        {
            Connection = TestServer.ClientOptions,
            GetTimeout = getTimeout ?? TimeSpan.FromSeconds(10),
            MaxConnectionsPerEndpoint = maxConnections,
            MaxEndpoints = maxEndpoints,
        },
        TimeProvider.System,
        Random.Shared);

    [Fact]
    public async Task An_idle_connection_is_shared_and_a_busy_one_gets_company_up_to_the_bound()
    {
        await using var server = new TestServer();
        await using var pool = Pool(maxConnections: 3);
        var key = server.Service.Add(Eventually.Ramp(100));
        var arrive = server.Service.Hold(key);

        var first = (await pool.GetAsync(server.Unix, default).Ends()).Connection!;
        Assert.Same(first, (await pool.GetAsync(server.Unix, default).Ends()).Connection);
        var reads = new List<Task<ReadOutcome>>();
        for (var index = 0; index < 10; index++)
        {
            var connection = (await pool.GetAsync(server.Unix, default).Ends()).Connection!;
            reads.Add(connection.ReadAsync(key, 0, new byte[10], default).Ends());
        }

        Assert.Equal(3, server.Metrics.Connections);
        arrive();
        Assert.All(await Task.WhenAll(reads), outcome => Assert.Equal(ReadStatus.Ok, outcome.Status));
    }

    [Fact]
    public async Task A_restarted_silo_is_found_again_within_the_callers_deadline()
    {
        var options = (BlockServerOptions?)null;
        var server = new TestServer();
        options = new BlockServerOptions { ClusterId = "test", Port = server.Tcp.Port };
        var endpoint = server.Tcp;
        await using var pool = Pool();
        var before = (await pool.GetAsync(endpoint, default).Ends()).Connection!;
        await server.DisposeAsync();
        await Eventually.Is(() => !before.IsOpen, "the client has noticed");

        var asked = Enumerable.Range(0, 8).Select(_ => pool.GetAsync(endpoint, default).Ends()).ToArray();
        await using var again = new TestServer(_ => options);
        var key = again.Service.Add(Eventually.Ramp(100));

        foreach (var outcome in await Task.WhenAll(asked))
        {
            Assert.Equal(ReadStatus.Ok, outcome.Status);
            Assert.Equal(ReadStatus.Ok, (await outcome.Connection!.ReadAsync(key, 0, new byte[100], default).Ends()).Status);
        }
    }

    [Fact]
    public async Task A_silo_that_stays_away_is_unavailable_when_the_time_is_over()
    {
        var server = new TestServer();
        var endpoint = server.Tcp;
        await server.DisposeAsync();
        await using var pool = Pool(TimeSpan.FromMilliseconds(400));

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => pool.GetAsync(endpoint, default).Ends()));
        Assert.All(outcomes, outcome => Assert.Equal((ReadStatus.Unavailable, null), (outcome.Status, outcome.Connection)));
        Assert.Contains(outcomes, outcome => outcome.Reason!.Contains("is the silo running?", StringComparison.Ordinal));

        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await using var patient = Pool();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => patient.GetAsync(endpoint, soon.Token).Ends());
    }

    [Fact]
    public async Task A_refused_handshake_is_not_tried_again()
    {
        await using var server = new TestServer(path => new BlockServerOptions { ClusterId = "another", SocketPath = path });
        await using var pool = Pool();

        var outcome = await pool.GetAsync(server.Unix, default).Ends();

        Assert.Equal((ReadStatus.AccessDenied, null), (outcome.Status, outcome.Connection));
        Assert.Contains("another cluster", outcome.Reason, StringComparison.Ordinal);
        await Eventually.Is(() => server.Metrics.RefusedHandshakesTotal == 1, "one attempt");
    }

    [Fact]
    public async Task The_endpoint_not_asked_for_longest_goes_when_there_are_too_many()
    {
        await using var first = new TestServer();
        await using var second = new TestServer();
        await using var third = new TestServer();
        await using var pool = Pool(maxEndpoints: 2);

        await pool.GetAsync(first.Unix, default).Ends();
        await pool.GetAsync(second.Unix, default).Ends();
        await pool.GetAsync(first.Unix, default).Ends();
        await pool.GetAsync(third.Unix, default).Ends();

        await Eventually.Is(() => second.Metrics.Connections == 0, "the second's connection is closed");
        Assert.Equal((1, 1), (first.Metrics.Connections, third.Metrics.Connections));
    }
}
