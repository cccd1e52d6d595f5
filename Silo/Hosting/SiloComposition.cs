using System.Diagnostics.Metrics;
using OrleansCache.Blocks;
using OrleansCache.BlockStore;
using OrleansCache.BlockStore.Tiers;
using OrleansCache.DataPlane.Server;
using OrleansCache.Linux;
using OrleansCache.Namespaces;
using OrleansCache.Silo.Configuration;
using OrleansCache.Silo.Filling;
using OrleansCache.Silo.Serving;
using OrleansCache.Silo.Telemetry;
using OrleansCache.UnderStorage;
using OrleansCache.UnderStorage.S3;
using GrantRequest = OrleansCache.Blocks.FillRequest;

namespace OrleansCache.Silo.Hosting;

/// <summary>
/// The parts of a running silo below its grains, and how they hang together. Made after the engine started, because filling
/// asks grains; disposed before it stops, in the order in which requests pass: server, fills.
/// </summary>
internal sealed class SiloComposition : IAsyncDisposable
{
    private readonly Meter _meter = new("OrleansCache.Silo");
    private readonly MeterText _meterText;

    public SiloComposition(
        SiloSettings settings, MemoryBudget budget, string? socketPath, ReadOnlySpan<byte> sealingKey,
        ReadOnlySpan<byte> clusterSecret, TieredBlockStore store, IServiceProvider services)
    {
        var time = services.GetRequiredService<TimeProvider>();
        var loggers = services.GetRequiredService<ILoggerFactory>();
        var grains = services.GetRequiredService<IGrainFactory>();
        var engine = services.GetRequiredService<ILocalSiloDetails>();
        var options = FillOptionsOf(settings, budget);
        var statistics = new SourceStatistics();
        var capabilities = new CapabilityTable(budget.Capabilities);
        var grants = new GrantCache(
            (run, block, cancellationToken) => grains.GetGrain<IBlockGrain>(run).Acquire(
                new GrantRequest(settings.Name, engine.SiloAddress.Generation, block), cancellationToken),
            options, time, loggers.CreateLogger<GrantCache>());
        var reader = new UnderStorageReader(
            services.GetRequiredService<IUnderStorageCatalog>(), statistics, options, time,
            loggers.CreateLogger<UnderStorageReader>());
        Pipeline = new FillPipeline(store, reader, grants, options, time, loggers.CreateLogger<FillPipeline>());

        var attached = new AttachedSources(
            cancellationToken => grains.GetGrain<INamespaceGrain>(INamespaceGrain.Key).GetTable(cancellationToken),
            source => store.SetSource(source.Id, new SourceCaching(source.Options.Eviction, source.Options.QuotaBytes)),
            time, loggers.CreateLogger<AttachedSources>());
        var status = new StatusReport(
            settings, () => engine.SiloAddress.Generation, budget.ProcessBytes, store, statistics, attached,
            new StoreUsage(store, time));
        Service = new BlockService(store, Pipeline, capabilities, statistics, options, sealingKey, time, status.ToJson);
        Server = new BlockServer(
            new BlockServerOptions
            {
                Host = settings.Listen.ToString(),
                Port = settings.DataPort,
                SocketPath = socketPath,
                ClusterId = ClusterIdentity.DefaultClusterId,
                ClusterSecret = clusterSecret.ToArray(),
                Certificate = settings.Certificate,
                MaxConnections = budget.Connections(
                    areTls: settings.Certificate is not null, Math.Min(BlockServerOptions.DefaultMaxConnections, DescriptorLimit.Read() / 2)),
                ReadThroughBuffers = budget.ConcurrentFills(32, 1 << 20),
            },
            Service, loggers.CreateLogger<BlockServer>(), time);
        _meterText = new MeterText(_meter);
        Server.Metrics.Publish(_meter);
        services.GetRequiredService<S3UnderStorageFactory>().Metrics.Publish(_meter);
        services.GetRequiredService<GrainCallCounter>().Publish(_meter);
        Metrics = new MetricsPage(
            store, statistics, Pipeline, grants, capabilities, attached, _meterText, budget.ProcessBytes);
        Attached = attached;
    }

    /// <summary>Fills.</summary>
    public FillPipeline Pipeline { get; }

    /// <summary>Answers the block server.</summary>
    public BlockService Service { get; }

    /// <summary>Serves blocks.</summary>
    public BlockServer Server { get; }

    /// <summary>The metrics page.</summary>
    public MetricsPage Metrics { get; }

    /// <summary>What is attached.</summary>
    public AttachedSources Attached { get; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Pipeline.DisposeAsync();
        _meterText.Dispose();
        _meter.Dispose();
    }

    private static FillOptions FillOptionsOf(SiloSettings settings, MemoryBudget budget)
    {
        var pieceBytes = new FillOptions().PieceBytes;
        var fills = budget.ConcurrentFills(settings.FillConcurrency, pieceBytes);
        return new FillOptions
        {
            ConcurrentFills = fills,
            ConcurrentPrefetches = Math.Max(1, fills * 3 / 4),
            UnderStorageTimeout = settings.UnderStorageTimeout,
        };
    }
}
