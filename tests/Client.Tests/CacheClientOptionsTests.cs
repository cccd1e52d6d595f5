using Microsoft.Extensions.Hosting;
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
    [InlineData("CacheClientOptions.Cluster is 'host:70000': it must be HOST:PORT", "host:70000", "c", 1, 1)]
    [InlineData("CacheClientOptions.ClusterId is ''", "h:1", "", 1, 1)]
    [InlineData("ReadTimeout is '02:00:00': The field ReadTimeout must be between 00:00:00.1000000 and 01:00:00", "h:1", "c", 7200, 1)]
    [InlineData("CacheClientOptions.MaxLeases is '2000000': The field MaxLeases must be between 0 and 1000000", "h:1", "c", 1, 2_000_000)]
    public void A_complaint_has_the_option_its_value_and_what_it_may_be(
        string complaint, string cluster, string clusterId, int seconds, int leases)
    {
        var options = new CacheClientOptions
        {
            Cluster = cluster,
            ClusterId = clusterId,
            ReadTimeout = TimeSpan.FromSeconds(seconds),
            MaxLeases = leases,
        };
        Assert.Contains(complaint, Complaint(options), StringComparison.Ordinal);
    }

    [Fact]
    public void All_that_is_wrong_is_said_at_once_when_the_cache_is_added_to_a_host()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration["OrleansCache:Cluster"] = "nowhere";
        builder.Configuration["OrleansCache:MetadataEntries"] = "5";
        var message = Assert.Throws<ArgumentException>(() => builder.AddOrleansCache()).Message;
        Assert.Contains("Cluster is 'nowhere'", message, StringComparison.Ordinal);
        Assert.Contains("MetadataEntries is '5'", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_section_with_a_name_that_is_no_option_or_a_value_that_is_none_is_refused()
    {
        var unknown = Host.CreateEmptyApplicationBuilder(null);
        unknown.Configuration["OrleansCache:Clusters"] = "127.0.0.1:30000";
        Assert.Contains("Clusters", Assert.Throws<InvalidOperationException>(() => unknown.AddOrleansCache()).Message, StringComparison.Ordinal);
        var wrong = Host.CreateEmptyApplicationBuilder(null);
        wrong.Configuration["OrleansCache:MaxLeases"] = "many";
        Assert.Contains("MaxLeases", Assert.Throws<InvalidOperationException>(() => wrong.AddOrleansCache()).Message, StringComparison.Ordinal);
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
        Assert.True(error.Attempts > 0 && error.Elapsed > TimeSpan.Zero, $"{error.Attempts} attempts in {error.Elapsed}");
        Assert.Contains(error.Attempts == 1 ? "tried once in" : $"tried {error.Attempts} times in", error.Message, StringComparison.Ordinal);
        Assert.InRange(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 0, 10);
    }

    [Fact]
    public async Task A_host_whose_cluster_is_dead_fails_to_start_with_the_same_error()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.AddOrleansCache(new CacheClientOptions { Cluster = "127.0.0.1:1", ConnectTimeout = TimeSpan.FromSeconds(1) });
        using var host = builder.Build();
        var error = await Assert.ThrowsAsync<ClusterUnreachableException>(() => host.StartAsync());
        Assert.True(error.Attempts > 1, error.Message);
        Assert.Contains("127.0.0.1:1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_cannot_be_used_are_named_before_anything_is_sent()
    {
        var folder = Directory.CreateTempSubdirectory("ocache-options-");
        try
        {
            var file = Path.Combine(folder.FullName, "secret");
            File.WriteAllText(file, "too short");
            Assert.Contains("openssl rand", Complaint(new CacheClientOptions { ClusterSecretFile = file }), StringComparison.Ordinal);
            Assert.Contains(file, Complaint(new CacheClientOptions { TlsCaFile = file }), StringComparison.Ordinal);
            Assert.Contains("/no/such", Complaint(new CacheClientOptions { ClusterSecretFile = "/no/such" }), StringComparison.Ordinal);
            Assert.Contains("TlsCaFile", Complaint(new CacheClientOptions { TlsServerName = "silo" }), StringComparison.Ordinal);
            File.WriteAllText(file, "a secret that is as long as it has to be\n");
            new CacheClientOptions { ClusterSecretFile = file }.Validate();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Complaint(CacheClientOptions options) =>
        Assert.Throws<ArgumentException>(options.Validate).Message;
}
