using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Server;

namespace OrleansCache.DataPlane.Tests;

/// <summary>A block server over a fake silo, on a free port and a Unix socket in a directory of its own.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    public static readonly byte[] Secret = "a secret for tests only"u8.ToArray();
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("dp-");

    public TestServer(Func<string, BlockServerOptions>? options = null)
    {
        Service = new FakeBlockService(_directory.FullName);
        var socketPath = Path.Combine(_directory.FullName, "s");
        Options = options?.Invoke(socketPath) ?? new BlockServerOptions { ClusterId = "test", SocketPath = socketPath };
        Server = new BlockServer(Options, Service, NullLogger<BlockServer>.Instance, TimeProvider.System);
        Server.Start();
    }

    public BlockServerOptions Options { get; }

    public FakeBlockService Service { get; }

    public BlockServer Server { get; }

    public BlockServerMetrics Metrics => Server.Metrics;

    public DataEndpoint Unix => Server.Endpoint;

    public DataEndpoint Tcp => Server.Endpoint with { SocketPath = null };

    public static BlockConnectionOptions ClientOptions { get; } = new() { ClusterId = "test" };

    public DataEndpoint Endpoint(bool overUnix) => overUnix ? Unix : Tcp;

    public Task<BlockConnection> ConnectAsync(bool overUnix = true, BlockConnectionOptions? options = null) =>
        BlockConnection.ConnectAsync(Endpoint(overUnix), options ?? ClientOptions, TimeProvider.System, CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Service.Dispose();
        _directory.Delete(recursive: true);
    }
}
