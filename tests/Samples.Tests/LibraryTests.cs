using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace OrleansCache.Samples.Tests;

/// <summary>The library in a host, against a real silo.</summary>
public sealed class LibraryTests(Source source) : IClassFixture<Source>
{
    [Fact]
    public async Task A_host_with_a_section_of_configuration_has_a_client_that_reads_lists_and_loads()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration["OrleansCache:Cluster"] = source.Silo.Cluster;
        builder.Configuration["OrleansCache:ReadTimeout"] = "00:00:30";
        builder.AddOrleansCache();
        using var host = builder.Build();
        await host.StartAsync();
        var client = host.Services.GetRequiredService<CacheClient>();

        var seen = new List<Activity>();
        using var listener = Listen(seen);
        var loaded = await client.LoadAsync("/data/small");
        Assert.Equal((20, 0), (loaded.Progress.FilesDone, loaded.Progress.FilesFailed));
        var names = new List<string>();
        await foreach (var entry in client.ListAsync("/data"))
        {
            names.Add(entry.Name);
        }

        Assert.Equal(["big.bin", "hello.txt", "small"], names);
        await using (var file = await client.OpenReadAsync("/data/hello.txt"))
        {
            var expected = await File.ReadAllTextAsync(Path.Combine(source.Folder, "hello.txt"));
            Assert.Equal(expected, await new StreamReader(file).ReadToEndAsync());
        }

        Assert.Equal(["ocache.list", "ocache.load", "ocache.open", "ocache.read"], NamesOf(seen));
        Assert.All(seen, activity => Assert.Equal(ActivityStatusCode.Unset, activity.Status));
        await host.StopAsync();
    }

    [Fact]
    public async Task What_is_not_there_is_a_typed_error_and_noted_in_the_activity()
    {
        await using var client = await ConnectAsync();
        var seen = new List<Activity>();
        using var listener = Listen(seen);
        var error = await Assert.ThrowsAsync<PathNotFoundException>(() => client.OpenReadAsync("/data/nowhere"));
        Assert.Equal("/data/nowhere", error.Path);
        Assert.NotEmpty(error.Advice);
        var open = Assert.Single(seen, activity => Equals(activity.GetTagItem("ocache.path"), "/data/nowhere"));
        Assert.Equal(("ocache.open", ActivityStatusCode.Error), (open.OperationName, open.Status));
        await Assert.ThrowsAsync<WrongKindException>(() => client.OpenReadAsync("/data/small"));
        await Assert.ThrowsAsync<WrongKindException>(() => client.OpenReadAsync("data"));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.OpenReadAsync(Source.BigFile, new CancellationToken(true)));
    }

    [Fact]
    public async Task A_client_that_was_disposed_says_so()
    {
        var client = await ConnectAsync();
        await client.DisposeAsync();
        await client.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.StatAsync("/data"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.OpenReadAsync(Source.BigFile));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.GetStatusAsync());
    }

    private static IEnumerable<string> NamesOf(IEnumerable<Activity> activities) =>
        activities.Select(activity => activity.OperationName).Distinct().Order(StringComparer.Ordinal);

    private static ActivityListener Listen(List<Activity> seen)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == CacheClient.TelemetryName,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                lock (seen)
                {
                    seen.Add(activity);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    private Task<CacheClient> ConnectAsync() => CacheClient.ConnectAsync(new CacheClientOptions { Cluster = source.Silo.Cluster });
}
