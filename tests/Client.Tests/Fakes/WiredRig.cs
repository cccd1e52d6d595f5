using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.DataPlane;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Tests;
using OrleansCache.Files;
using OrleansCache.Metadata;
using OrleansCache.Reading;
using OrleansCache.Routing;

namespace OrleansCache.Client.Tests.Fakes;

/// <summary>Files behind a real block server and real connections; only the silo's store is a fake.</summary>
internal sealed class WiredRig : IBlockRouter, ICapabilitySource, IAsyncDisposable
{
    public const int BlockSize = BlockLayout.MinBlockSizeBytes;

    private readonly TestServer _server = new();
    private readonly BlockConnectionPool _pool = new(
        new BlockConnectionPoolOptions { Connection = TestServer.ClientOptions }, TimeProvider.System, Random.Shared);
    private readonly LeaseTable _leases = new(1000, 10, TimeSpan.FromSeconds(2), TimeProvider.System, static _ => { });
    private readonly ReadServices _services;
    private readonly DataEndpoint _endpoint;

    public WiredRig(bool overUnix, TimeSpan? deadline = null)
    {
        _endpoint = _server.Endpoint(overUnix);
        _services = new ReadServices(
            this, this, _leases, new ReadaheadBudget(1L << 30),
            new ReaderOptions { Deadline = deadline ?? TimeSpan.FromSeconds(100), MaxReadaheadBytes = 64 << 20 },
            TimeProvider.System, NullLogger.Instance);
    }

    public FakeBlockService Service => _server.Service;

    /// <summary>Opens a file with a content, of which nothing has been read.</summary>
    public async Task<CachedFile> OpenAsync(byte[] content)
    {
        var node = ReadingRig.MakeNode("f", content.Length, 1);
        node = node with { Entry = node.Entry with { Key = Service.Add(content, BlockSize, isComplete: false) } };
        var outcome = await new FileOpener(_services).OpenAsync(node, default);
        Assert.Equal(ReadStatus.Ok, outcome.Status);
        return new CachedFile(outcome.Reader!, CacheEntry.From(node));
    }

    public async ValueTask<IBlockConnection?> FindAsync(FileKey key, CancellationToken cancellationToken) =>
        (await _pool.GetAsync(_endpoint, cancellationToken).ConfigureAwait(false)).Connection;

    public string? SiloOf(FileKey key) => "one";

    public ValueTask<NodeOutcome> RenewAsync(NodeEntry node, CancellationToken cancellationToken) => throw new NotSupportedException();

    public async ValueTask DisposeAsync()
    {
        _leases.CloseIdle();
        await _pool.DisposeAsync();
        await _server.DisposeAsync();
    }
}
