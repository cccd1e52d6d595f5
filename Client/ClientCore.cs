using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using OrleansCache.Linux;
using OrleansCache.Metadata;
using OrleansCache.Reading;
using OrleansCache.Reading.Batches;
using OrleansCache.Routing;
using OrleansCache.Usage;

namespace OrleansCache;

/// <summary>The parts of a client, wired: the one place that knows them all.</summary>
internal sealed class ClientCore : IAsyncDisposable
{
    private static readonly TimeSpan LeaseIdleTime = TimeSpan.FromSeconds(2);

    private readonly IBlockConnector _connector;
    private readonly LeaseTable _leases;
    private readonly ITimer _leaseTimer;
    private readonly UsageReporter _usage;
    private readonly DirectoryPrefetch _directories;
    private readonly Meter _meter = new(CacheClient.TelemetryName);

    public ClientCore(IGrainFactory grains, IBlockConnector connector, CacheClientOptions options, ILoggerFactory loggers)
    {
        var time = options.TimeProvider;
        _connector = connector;
        Grains = grains;
        Names = new NamespaceView(
            grains,
            new NamespaceViewOptions(options.MetadataEntries, options.MetadataBytes, options.ReadTimeout, options.FollowsChanges),
            time,
            loggers.CreateLogger<NamespaceView>());
        Router = new BlockRouter(
            grains, options.Group, connector, HostIdentity.Read(), time, loggers.CreateLogger<BlockRouter>());
        var maxLeases = Math.Min(options.MaxLeases, DescriptorLimit.Read() / 2);
        UsageReporter? usage = null;
        _leases = new LeaseTable(
            maxLeases, Math.Min(options.MaxIdleLeases, maxLeases), LeaseIdleTime, time, file => usage?.OnRemoved(file));
        _leaseTimer = time.CreateTimer(
            static leases => ((LeaseTable)leases!).CloseLongIdle(), _leases, LeaseIdleTime / 2, LeaseIdleTime / 2);
        _usage = usage = new UsageReporter(
            _leases, Router, options.UsageInterval, time, loggers.CreateLogger<UsageReporter>());
        ReadMany = new ReadManyBudget(options.ReadManyBudgetBytes);
        Readahead = new ReadaheadBudget(options.ReadaheadBudgetBytes, time);
        _directories = new DirectoryPrefetch(
            Names,
            Router,
            Readahead,
            new DirectoryPrefetchOptions
            {
                IsOn = options.PrefetchesDirectories && options.MaxReadaheadBytes > 0,
                AheadBytesMax = options.MaxReadaheadBytes,
            },
            time,
            loggers.CreateLogger<DirectoryPrefetch>());
        var reading = new ReadServices(
            Router,
            Names,
            _leases,
            Readahead,
            new ReaderOptions { Deadline = options.ReadTimeout, MaxReadaheadBytes = options.MaxReadaheadBytes },
            time,
            loggers.CreateLogger<FileOpener>())
        {
            Directories = _directories,
        };
        (Files, Deadlines) = (new FileOpener(reading), reading.Deadlines);
        _usage.Start();
        Readahead.Publish(_meter);
    }

    /// <summary>The cluster.</summary>
    public IGrainFactory Grains { get; }

    /// <summary>Names.</summary>
    public NamespaceView Names { get; }

    /// <summary>Bytes.</summary>
    public FileOpener Files { get; }

    /// <summary>Silos.</summary>
    public BlockRouter Router { get; }

    /// <summary>Memory of files read many at a time.</summary>
    public ReadManyBudget ReadMany { get; }

    /// <summary>How long each read may take.</summary>
    public ReadDeadlines Deadlines { get; }

    /// <summary>What is asked for ahead of need, and what became of it.</summary>
    public ReadaheadBudget Readahead { get; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _meter.Dispose();
        await _directories.DisposeAsync().ConfigureAwait(false);
        await _leaseTimer.DisposeAsync().ConfigureAwait(false);
        _leases.CloseIdle();
        await Names.DisposeAsync().ConfigureAwait(false);
        await _usage.DisposeAsync().ConfigureAwait(false);
        await _connector.DisposeAsync().ConfigureAwait(false);
    }
}
