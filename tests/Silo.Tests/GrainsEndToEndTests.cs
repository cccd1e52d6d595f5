using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Hosting;
using OrleansCache.Blocks;
using OrleansCache.Files;
using OrleansCache.Grains;
using OrleansCache.Grains.Files;
using OrleansCache.Grains.Namespaces;
using OrleansCache.Groups;
using OrleansCache.Namespaces;
using OrleansCache.Silo.GrainStorage;
using OrleansCache.Silo.Listings;
using OrleansCache.UnderStorage;
using OrleansCache.UnderStorage.Directories;

namespace OrleansCache.Silo.Tests;

/// <summary>The grains as activations of a silo, called over TCP by a client, with their state in SQLite.</summary>
public sealed class GrainsEndToEndTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly byte[] SealingKey = new byte[32];
    private readonly string _directory = Directory.CreateTempSubdirectory("ocache-e2e-").FullName;

    private string Data => Path.Combine(_directory, "data");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_source_is_attached_listed_looked_up_and_still_there_after_a_restart()
    {
        Directory.CreateDirectory(Path.Combine(Data, "many"));
        for (var i = 0; i < 400; i++)
        {
            File.WriteAllText(Path.Combine(Data, "many", $"{i:D4}"), "x");
        }

        SourceInfo source;
        await using (var cluster = await Cluster.StartAsync(_directory))
        {
            source = await cluster.Namespace.Attach(new($"file://{Data}/../data/", "/d/", ["sync=interval(5s)"]), default);
            Assert.Equal(("/d", $"file://{Data}"), (source.Path, source.Uri));

            var root = new DirectoryRef(source.Id, "", source.Root.Id);
            var many = await cluster.Directory(root).Lookup(root, "many", default);
            Assert.Equal(ReadStatus.Ok, many.Status);
            var inside = new DirectoryRef(source.Id, "many", many.Entry!.Metadata.Id);
            var names = new List<string>();
            DirectoryPage? page = null;
            do
            {
                page = await cluster.Directory(inside).List(inside, page?.Next, default);
                Assert.Equal(ReadStatus.Ok, page.Status);
                names.AddRange(page.Entries.Select(entry => entry.Name));
            }
            while (!page.IsLast);
            Assert.Equal(Enumerable.Range(0, 400).Select(i => $"{i:D4}"), names);

            var file = page.Entries[^1];
            var capability = new ReadCapability(
                file.Key, source.Id, inside.PathOf(file.Name), file.Metadata.Id, file.Metadata.Version, file.BlockSizeBytes, file.Seal);
            Assert.True(capability.IsValid(SealingKey, DateTimeOffset.UtcNow));
            var fileGrain = cluster.Grains.GetGrain<IFileGrain>($"{source.Id}/{file.Metadata.Id}");
            Assert.Equal(file.Key, (await fileGrain.Revalidate(source.Id, capability.Path, default)).Entry!.Key);
            Assert.Equal(ReadStatus.StaleVersion, (await fileGrain.Revalidate(source.Id, "many/0000", default)).Status);
        }

        await using var again = await Cluster.StartAsync(_directory);
        var table = await again.Namespace.GetTable(default);
        Assert.Equal((1, source), (table.Epoch, table.Sources.Single()));
        var self = new DirectoryRef(source.Id, "", source.Root.Id);
        Assert.Equal(ReadStatus.Ok, (await again.Directory(self).Lookup(self, "many", default)).Status);
        await again.Namespace.Detach("/d", default);
        Assert.Empty((await again.Namespace.GetTable(default)).Sources);
    }

    [Fact]
    public async Task Refusals_arrive_typed_and_change_nothing()
    {
        Directory.CreateDirectory(Data);
        await using var cluster = await Cluster.StartAsync(_directory);
        foreach (var (uri, path, option, error) in (ValueTuple<string, string, string, RequestError>[])
        [
            ($"file://{Data}/none", "/d", "sync=always", RequestError.NotFound),
            ("gopher://x", "/d", "sync=always", RequestError.InvalidArgument),
            ($"file://{Data}", "d", "sync=always", RequestError.InvalidArgument),
            ($"file://{Data}", "/d", "color=red", RequestError.InvalidArgument),
        ])
        {
            var refused = await Assert.ThrowsAsync<CacheRequestException>(
                async () => await cluster.Namespace.Attach(new(uri, path, [option]), default));
            Assert.Equal(error, refused.Error);
        }

        await cluster.Namespace.Attach(new($"file://{Data}", "/d", []), default);
        var taken = await Assert.ThrowsAsync<CacheRequestException>(
            async () => await cluster.Namespace.Attach(new($"file://{Data}", "/d/e", []), default));
        Assert.Equal(RequestError.AlreadyExists, taken.Error);
        Assert.Equal(1, (await cluster.Namespace.GetTable(default)).Epoch);
    }

    [Fact]
    public async Task A_sync_reaches_the_directory_and_its_subscribers()
    {
        Directory.CreateDirectory(Path.Combine(Data, "a"));
        File.WriteAllText(Path.Combine(Data, "a", "f"), "1");
        await using var cluster = await Cluster.StartAsync(_directory);
        var source = await cluster.Namespace.Attach(new($"file://{Data}", "/d", ["sync=never"]), default);
        var root = new DirectoryRef(source.Id, "", source.Root.Id);
        var a = (await cluster.Directory(root).Lookup(root, "a", default)).Entry!.Metadata.Id;
        var inside = new DirectoryRef(source.Id, "a", a);
        Assert.Equal(1, (await cluster.Directory(inside).Lookup(inside, "f", default)).Entry!.Metadata.Version.LengthBytes);
        Assert.Single((await cluster.Directory(inside).List(inside, null, default)).Entries);
        File.WriteAllText(Path.Combine(Data, "a", "f"), "22");
        File.WriteAllText(Path.Combine(Data, "a", "g"), "3");
        Assert.Equal(1, (await cluster.Directory(inside).Lookup(inside, "f", default)).Entry!.Metadata.Version.LengthBytes);

        var feed = cluster.Grains.GetGrain<IChangeFeedGrain>(source.Id.ToString());
        var first = feed.Next(0, default).AsTask(); // waits
        await Task.WhenAll(first, SyncUntilHeardAsync(cluster, first)).WaitAsync(Patience);
        var heard = (await first).Changes;
        Assert.Equal(("", false), (heard[0].DirectoryPath, heard[0].IsSubtree));
        Assert.Equal("a", heard[0].Names.Single());
        Assert.Equal(("a", true), (heard[1].DirectoryPath, heard[1].IsSubtree));
        Assert.Equal(2, (await cluster.Directory(inside).Lookup(inside, "f", default)).Entry!.Metadata.Version.LengthBytes);
        Assert.Equal(["f", "g"], (await cluster.Directory(inside).List(inside, null, default)).Entries.Select(entry => entry.Name));

        Assert.True((await feed.Next(1, default)).IsGap);
        await cluster.Namespace.Sync("/", default); // everything
        var batch = await feed.Next((await first).Last, default);
        Assert.Equal(("", true), (batch.Changes[^1].DirectoryPath, batch.Changes[^1].IsSubtree));
        var refused = await Assert.ThrowsAsync<CacheRequestException>(async () => await cluster.Namespace.Sync("/other", default));
        Assert.Equal(RequestError.NotFound, refused.Error);
    }

    [Fact]
    public async Task What_is_attached_again_is_opened_with_the_options_of_now()
    {
        Directory.CreateDirectory(Data);
        await using var cluster = await Cluster.StartAsync(_directory);
        var source = await cluster.Namespace.Attach(new($"file://{Data}", "/d", ["sync=never"]), default);
        var root = new DirectoryRef(source.Id, "", source.Root.Id);
        await cluster.Directory(root).Lookup(root, "a", default);
        await cluster.Namespace.Detach("/d", default);
        await cluster.Directory(root).Lookup(root, "b", default); // the silo may not have heard of it
        await cluster.Namespace.Attach(new($"file://{Data}", "/d", ["sync=interval(7s)"]), default);
        Assert.Equal(TimeSpan.FromSeconds(7), cluster.Opened.Last().Sync.Interval);
    }

    [Fact]
    public async Task Who_still_uses_the_old_path_of_a_directory_disturbs_nobody()
    {
        Directory.CreateDirectory(Path.Combine(Data, "new"));
        File.WriteAllText(Path.Combine(Data, "new", "f"), "1");
        await using var cluster = await Cluster.StartAsync(_directory);
        var source = await cluster.Namespace.Attach(new($"file://{Data}", "/d", ["sync=always"]), default);
        var root = new DirectoryRef(source.Id, "", source.Root.Id);
        var id = (await cluster.Directory(root).Lookup(root, "new", default)).Entry!.Metadata.Id;
        var (now, before) = (new DirectoryRef(source.Id, "new", id), new DirectoryRef(source.Id, "old", id));
        for (var round = 0; round < 20; round++)
        {
            var listed = Enumerable.Range(0, 4).Select(_ => cluster.Directory(now).List(now, null, default).AsTask()).ToList();
            var stale = Enumerable.Range(0, 4).Select(_ => cluster.Directory(before).Lookup(before, "f", default).AsTask()).ToList();
            Assert.All(await Task.WhenAll(listed).WaitAsync(Patience), page => Assert.Equal(ReadStatus.Ok, page.Status));
            Assert.All(await Task.WhenAll(stale).WaitAsync(Patience), found => Assert.Equal(ReadStatus.StaleVersion, found.Status));
        }
    }

    // The subscriber's first call says "from now on": what is told before it arrives it does not hear.
    private static async Task SyncUntilHeardAsync(Cluster cluster, Task<ChangeBatch> heard)
    {
        while (!heard.IsCompleted)
        {
            await cluster.Namespace.Sync("/d/a", default);
            await Task.Delay(100);
        }
    }

    [Fact]
    public async Task Blocks_are_granted_and_groups_joined()
    {
        await using var cluster = await Cluster.StartAsync(_directory);
        var block = new BlockId(new FileKey(1, 2), 0);
        var run = cluster.Grains.GetGrain<IBlockGrain>(BlockRun.GrainKeyOf(block, 100));
        Assert.True((await run.Acquire(new("a", 1, block), default)).Granted);
        Assert.Equal("a", (await run.Acquire(new("b", 1, block), default)).Holder);

        var group = cluster.Grains.GetGrain<ICacheGroupGrain>(ICacheGroupGrain.DefaultGroup);
        var member = new GroupMember { SiloName = "a", Generation = 1, DataHost = "127.0.0.1", DataPort = 1, HostId = "h" };
        Assert.Equal(1, (await group.Join(member, default)).Epoch);
        Assert.Equal(member, (await group.GetView(default)).Members.Single());
    }

    private sealed class Recording(DirectoryUnderStorageFactory real, ConcurrentQueue<SourceOptions> opened) : IUnderStorageFactory
    {
        public string Scheme => real.Scheme;

        public SourceIdentity Identify(string uri, SourceOptions options) => real.Identify(uri, options);

        public ValueTask<IUnderStorage> OpenAsync(SourceIdentity identity, SourceOptions options, CancellationToken cancellationToken)
        {
            opened.Enqueue(options);
            return real.OpenAsync(identity, options, cancellationToken);
        }
    }

    private sealed class Cluster(IHost silo, IHost client, ConcurrentQueue<SourceOptions> opened) : IAsyncDisposable
    {
        public ConcurrentQueue<SourceOptions> Opened => opened;

        public IGrainFactory Grains { get; } = client.Services.GetRequiredService<IClusterClient>();

        public INamespaceGrain Namespace => Grains.GetGrain<INamespaceGrain>(INamespaceGrain.Key);

        public static async Task<Cluster> StartAsync(string directory)
        {
            var port = FreePort();
            var opened = new ConcurrentQueue<SourceOptions>();
            var silo = Host.CreateEmptyApplicationBuilder(new());
            silo.UseOrleans(builder => builder.UseLocalhostClustering(siloPort: port, gatewayPort: port)
                .ConfigureServices(services => services
                    .AddCacheGrains()
                    .AddSingleton<ICapabilitySealer>(new CapabilitySealer(SealingKey))
                    .AddSingleton<IUnderStorageCatalog>(provider => new UnderStorageCatalog(
                        [new Recording(new DirectoryUnderStorageFactory(new(), TimeProvider.System), opened)],
                        (source, token) => provider.GetRequiredService<IAttachedSources>().FindAsync(source, token)))
                    .AddSqliteListings(Path.Combine(directory, "listings.db"))
                    .AddSqliteGrainStorage("Default", Path.Combine(directory, "grains.db"))));
            var client = Host.CreateEmptyApplicationBuilder(new());
            client.UseOrleansClient(builder => builder.UseLocalhostClustering(port));
            return new Cluster(await StartAsync(silo), await StartAsync(client), opened);
        }

        public IDirectoryGrain Directory(DirectoryRef self) => Grains.GetGrain<IDirectoryGrain>(self.GrainKey);

        public async ValueTask DisposeAsync()
        {
            foreach (var host in (IHost[])[client, silo])
            {
                await host.StopAsync().WaitAsync(Patience);
                await ((IAsyncDisposable)host).DisposeAsync();
            }
        }

        private static async Task<IHost> StartAsync(HostApplicationBuilder builder)
        {
            var host = builder.Build();
            await host.StartAsync().WaitAsync(Patience);
            return host;
        }

        private static int FreePort()
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            return ((IPEndPoint)socket.LocalEndPoint!).Port;
        }
    }
}
