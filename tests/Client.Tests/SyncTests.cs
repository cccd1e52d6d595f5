using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Client.Tests.Fakes;
using OrleansCache.Files;

namespace OrleansCache.Client.Tests;

/// <summary>What <c>ocache sync</c> does.</summary>
public sealed class SyncTests
{
    private readonly FakeGrains _grains = new() { Lease = TimeSpan.FromHours(1) };

    [Theory]
    [InlineData("/a/data/f")]
    [InlineData("/a/data")]
    [InlineData("/a")]
    [InlineData("/")]
    public async Task After_a_sync_this_client_sees_what_is_there_now(string path)
    {
        _grains.Add(null, FakeGrains.Entry("f", FileKind.File, 5, 1));
        await using var client = MakeClient();
        Assert.Equal(5, (await client.StatAsync("/a/data/f")).LengthBytes);
        _grains.Add(null, FakeGrains.Entry("f", FileKind.File, 6, 2));
        Assert.Equal(5, (await client.StatAsync("/a/data/f")).LengthBytes);
        Assert.Equal(path, (await client.SyncAsync(path)).Path);
        Assert.Equal(6, (await client.StatAsync("/a/data/f")).LengthBytes);
        Assert.Equal([path], _grains.Synced);
    }

    [Theory]
    [InlineData("/a/data/f")]
    [InlineData("/a/data")]
    [InlineData("/")]
    public async Task A_store_that_cannot_be_asked_is_said(string path)
    {
        _grains.Add(null, FakeGrains.Entry("f", FileKind.File, 5, 1));
        await using var client = MakeClient();
        await client.StatAsync("/a/data/f");
        _grains.IsStoreDown = true;
        await Assert.ThrowsAsync<ClusterUnreachableException>(() => client.SyncAsync(path));
        Assert.Equal([path], _grains.Synced);
    }

    [Fact]
    public async Task A_path_that_is_gone_is_not_found_and_synced_all_the_same()
    {
        _grains.Add(null, FakeGrains.Entry("f", FileKind.File, 5, 1));
        await using var client = MakeClient();
        await client.StatAsync("/a/data/f");
        _grains.Tree[_grains.SourceInfo.Root.Id].Clear();
        await Assert.ThrowsAsync<PathNotFoundException>(() => client.SyncAsync("/a/data/f"));
        await Assert.ThrowsAsync<PathNotFoundException>(() => client.StatAsync("/a/data/f"));
        Assert.Equal(["/a/data/f"], _grains.Synced);
    }

    [Fact]
    public async Task Listing_asks_one_page_ahead_and_tells_what_no_path_can_name()
    {
        for (var i = 0; i < 250; i++)
        {
            _grains.Add(null, FakeGrains.Entry($"f{i:d3}", FileKind.File, i, 1));
        }

        _grains.Unreachable = ["x//y"];
        await using var client = MakeClient();
        var unreachable = new List<string>();
        var names = new List<string>();
        await foreach (var entry in client.ListAsync("/a/data", unreachable.Add, default))
        {
            names.Add(entry.Name);
            Assert.Equal(Math.Min(3, (names.Count + 99) / 100 + 1), _grains.ListCalls);
        }

        Assert.Equal(250, names.Distinct().Count());
        Assert.Equal(["x//y"], unreachable);
    }

    private CacheClient MakeClient()
    {
        var options = new CacheClientOptions { FollowsChanges = false };
        return new CacheClient(options, new ClientCore(_grains, new NoConnector(), options, NullLoggerFactory.Instance), null);
    }
}
