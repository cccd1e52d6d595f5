using OrleansCache.Fakes.Ceph;
using OrleansCache.Fakes.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>One gateway for all test classes of this assembly that name its collection.</summary>
public sealed class CephRgwFixture : IAsyncLifetime
{
    private CephRgw? _gateway;

    /// <summary>The running gateway.</summary>
    public CephRgw Gateway => _gateway!;

    /// <inheritdoc/>
    public async Task InitializeAsync() => _gateway = await CephRgw.StartAsync();

    /// <inheritdoc/>
    public async Task DisposeAsync() => await Gateway.DisposeAsync();
}

/// <summary>The collection that shares it.</summary>
[CollectionDefinition(Name)]
public sealed class CephRgwGroup : ICollectionFixture<CephRgwFixture>
{
    public const string Name = "Ceph RGW";
}

/// <summary>The contract on a real server, and what we rely on of the harness around it.</summary>
[Collection(CephRgwGroup.Name)]
public sealed class CephRgwTests(CephRgwFixture fixture) : S3StoreContract
{
    private protected override (Uri Endpoint, string AccessKey, string SecretKey) Store =>
        (fixture.Gateway.Endpoint, fixture.Gateway.AccessKey, fixture.Gateway.SecretKey);

    [Fact]
    public async Task Its_own_log_counts_what_was_asked()
    {
        await fixture.Gateway.ResetRequestsAsync();
        await PutAsync("dir/k ä", new byte[1000]);
        await GetAsync("dir/k ä", new Amazon.S3.Model.ByteRange(10, 19));
        await FailsAsync(404, null, () => GetAsync("no"));
        await ListAsync(prefix: "dir/");
        var requests = (await fixture.Gateway.RequestsAsync()).Where(request => request.Bucket == Bucket).ToList();
        Assert.Equal(
            [
                (S3Operation.PutObject, "dir/k ä", null, 200), (S3Operation.GetObject, "dir/k ä", "bytes=10-19", 206),
                (S3Operation.GetObject, "no", null, 404), (S3Operation.ListObjects, "dir/", null, 200),
            ],
            requests.Select(request => (request.Operation, request.Key, request.Range, request.Status)));
        Assert.Equal(10, requests[1].Bytes);
        await fixture.Gateway.ResetRequestsAsync();
        Assert.Empty(await fixture.Gateway.RequestsAsync());
    }

    [Fact]
    public async Task It_goes_down_and_comes_back_with_its_objects()
    {
        await PutAsync("k", [1]);
        await fixture.Gateway.StopGatewayAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => GetAsync("k").WaitAsync(TimeSpan.FromSeconds(30)));
        await fixture.Gateway.StartGatewayAsync();
        Assert.Equal([1], (await GetAsync("k")).Bytes);
        Assert.Single(await fixture.Gateway.RequestsAsync(), request => request.Bucket == Bucket && request.Operation == S3Operation.GetObject);
    }
}
