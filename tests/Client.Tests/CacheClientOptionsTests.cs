using OrleansCache.Routing;

namespace OrleansCache.Client.Tests;

public sealed class CacheClientOptionsTests
{
    [Fact]
    public void The_defaults_are_valid() => new CacheClientOptions().Validate();

    [Fact]
    public void What_is_out_of_range_is_named()
    {
        Assert.Contains("ReadTimeout", Complaint(new CacheClientOptions { ReadTimeout = TimeSpan.Zero }), StringComparison.Ordinal);
        Assert.Contains("MaxLeases", Complaint(new CacheClientOptions { MaxLeases = -1 }), StringComparison.Ordinal);
        Assert.Contains("HOST:PORT", Complaint(new CacheClientOptions { Cluster = "nowhere" }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1:30000", "127.0.0.1", 30000)]
    [InlineData("[::1]:1", "::1", 1)]
    [InlineData("silo.example:65535", "silo.example", 65535)]
    public void Gateways_are_host_and_port(string text, string host, int port)
    {
        Assert.True(GatewayAddress.TryParse(text, out var parsedHost, out var parsedPort));
        Assert.Equal((host, port), (parsedHost, parsedPort));
    }

    [Theory]
    [InlineData("")]
    [InlineData("host")]
    [InlineData(":1")]
    [InlineData("host:0")]
    [InlineData("host:65536")]
    [InlineData("host:+1")]
    [InlineData("::1:5")]
    public void Anything_else_is_not(string text) => Assert.False(GatewayAddress.TryParse(text, out _, out _));

    [Fact]
    public async Task A_dead_cluster_is_said_within_the_connect_timeout()
    {
        var started = TimeProvider.System.GetTimestamp();
        var error = await Assert.ThrowsAsync<ClusterUnreachableException>(() => CacheClient.ConnectAsync(
            new CacheClientOptions { Cluster = "127.0.0.1:1", ConnectTimeout = TimeSpan.FromSeconds(1) }));
        Assert.Contains("127.0.0.1:1", error.Message, StringComparison.Ordinal);
        Assert.InRange(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 0, 10);
    }

    private static string Complaint(CacheClientOptions options) =>
        Assert.Throws<ArgumentException>(options.Validate).Message;
}
