using System.Net.Sockets;
using OrleansCache.BlockStore;
using OrleansCache.BlockStore.Tiers;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Server;
using OrleansCache.Groups;
using OrleansCache.Silo.Configuration;
using OrleansCache.Silo.Disks;
using OrleansCache.Silo.Telemetry;

namespace OrleansCache.Silo.Hosting;

/// <summary>
/// The life of <c>silo serve</c>: check everything, start bottom up (store, engine, block server, group), say what it listens
/// on, wait for a signal, stop top down. Whatever fails before ready becomes one <see cref="SiloStartException"/>.
/// </summary>
internal sealed class SiloProcess
{
    /// <summary>How soon the store learns how a newly attached source is to be cached; until then it is cached as by default.</summary>
    private static readonly TimeSpan SourcesPeriod = TimeSpan.FromSeconds(5);

    private readonly SiloSettings _settings;
    private readonly MemoryBudget _budget;
    private readonly DataDirectory _data;
    private readonly TextWriter _output;
    private readonly Readiness _readiness = new();
    private readonly string? _socketPath;
    private MetricsPage? _metrics;

    private SiloProcess(SiloSettings settings, MemoryBudget budget, DataDirectory data, TextWriter output)
    {
        _settings = settings;
        _budget = budget;
        _data = data;
        _output = output;
        _socketPath = SocketPath.Choose(
            data.Path, Environment.IsPrivilegedProcess ? "/run" : Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR"));
    }

    /// <summary>Runs a silo until it is told to stop.</summary>
    /// <exception cref="SiloStartException">It could not start.</exception>
    public static async Task RunAsync(SiloSettings settings, TextWriter output)
    {
        try
        {
            var budget = MemoryBudget.Of(settings.MemoryLimitBytes, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
            budget.ApplyToCollector();
            using var data = DataDirectory.Open(settings.DataDirectory, settings.IsDefaultDataDirectory);
            TierDirectories.Prepare(settings.Tiers);
            var checkedSettings = PortCheck.Resolve(settings with { Tiers = [.. settings.Tiers.Select(TierCapacity.Decide)] });
            await new SiloProcess(checkedSettings, budget, data, output).ServeAsync();
        }
        catch (Exception exception) when (exception is not SiloStartException)
        {
            throw Explain(exception);
        }
    }

    private byte[] ReadClusterSecret()
    {
        try
        {
            return _settings.ClusterSecretFile is { } path ? ClusterSecret.Read(path) : [];
        }
        catch (IOException exception)
        {
            throw SiloStartException.Failure(exception.Message);
        }
    }

    private async Task ServeAsync()
    {
        var clusterSecret = ReadClusterSecret();
        var sealingKey = SealingKey.LoadOrCreate(Path.Combine(_data.Path, "sealing.key"));
        await using var application = SiloApplication.Build(_settings, _data, sealingKey, _readiness, () => _metrics);
        var loggers = application.Services.GetRequiredService<ILoggerFactory>();
        _readiness.WaitFor("opening the block store");
        await using var store = await TieredBlockStore.OpenAsync(
            [.. _settings.Tiers.Select(OptionsOf)], _settings.ScrubBytesPerSecond, TimeProvider.System,
            loggers.CreateLogger("OrleansCache.BlockStore"), CancellationToken.None);
        application.Services.GetRequiredService<DiskControl>().Store = store;

        _readiness.WaitFor("starting the actor engine");
        await application.StartAsync();
        try
        {
            await ServeRequestsAsync(application, sealingKey, clusterSecret, store);
        }
        finally
        {
            _readiness.WaitFor("stopping");
            await application.StopAsync();
        }
    }

    private async Task ServeRequestsAsync(WebApplication application, byte[] sealingKey, byte[] clusterSecret, TieredBlockStore store)
    {
        var stopping = application.Lifetime.ApplicationStopping;
        await using var composition = new SiloComposition(
            _settings, _budget, _socketPath, sealingKey, clusterSecret, store, application.Services);
        _metrics = composition.Metrics;
        try
        {
            _readiness.WaitFor("starting the block server");
            composition.Server.Start();
            _readiness.WaitFor("joining the cache group");
            composition.Service.OnRingEpoch((await JoinAsync(application.Services, stopping)).Epoch);
            await composition.Attached.RefreshAsync();
            EndpointsFile.Write(_data.Path, _settings, _socketPath);
            _readiness.Set();
            await SayReadyAsync(store);
            while (true)
            {
                await Task.Delay(SourcesPeriod, TimeProvider.System, stopping);
                composition.Attached.Look(); // The store learns of sources attached since.
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Told to stop: that is how it ends.
        }
        finally
        {
            _readiness.WaitFor("stopping");
            EndpointsFile.Delete(_data.Path);
            _metrics = null;
        }
    }

    private Task<GroupView> JoinAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var membership = new GroupMembership(
            services.GetRequiredService<IGrainFactory>(), TimeProvider.System,
            services.GetRequiredService<ILogger<GroupMembership>>());
        return membership.JoinAsync(
            new GroupMember
            {
                SiloName = _settings.Name,
                Generation = services.GetRequiredService<ILocalSiloDetails>().SiloAddress.Generation,
                DataHost = _settings.Listen.ToString(),
                DataPort = _settings.DataPort,
                SocketPath = _socketPath,
                HostId = BootId.Read().ToString(),
            },
            cancellationToken);
    }

    private BlockStoreOptions OptionsOf(TierSpec tier) => new()
    {
        Directory = tier.Directory,
        CapacityBytes = tier.CapacityBytes,
        Medium = tier.Medium,
        PackedMaxBytes = _settings.PackedMaxBytes,
        ReadBootId = BootIdSource.Read,
    };

    private async Task SayReadyAsync(TieredBlockStore store)
    {
        var tiers = string.Join("\n  ", store.Disks.Select(disk =>
            $"tier     {disk.Medium.ToString().ToLowerInvariant()} {disk.Directory}   {ByteSize.Format(disk.CapacityBytes)}, "
            + $"{ByteSize.Format(disk.Stats?.ResidentBytes ?? 0)} there"));
        var socket = _socketPath ?? "no Unix socket: the data directory's path is too long, local readers use TCP";
        await _output.WriteLineAsync(string.Create(null, $"""
            silo {_settings.Name} serves
              clients  {_settings.Listen}:{_settings.GatewayPort}   (ocache --cluster {_settings.Listen}:{_settings.GatewayPort})
              blocks   {_settings.Listen}:{_settings.DataPort}   and {socket}
              http     {_settings.Listen}:{_settings.HttpPort}   (/healthz /readyz /metrics)
              silos    {_settings.Listen}:{_settings.SiloPort}
              {tiers}
              memory   {ByteSize.Format(_budget.ProcessBytes)}
              missing  clients and silos do not ask for the cluster secret yet: only this machine is served
            ready silo-port={_settings.SiloPort} gateway-port={_settings.GatewayPort} data-port={_settings.DataPort} http-port={_settings.HttpPort}
            """));
        await _output.FlushAsync();
    }

    /// <summary>One sentence of an error that nobody gave one.</summary>
    private static SiloStartException Explain(Exception exception) => exception switch
    {
        BlockStoreException or DataPlaneListenException => SiloStartException.Failure(exception.Message.TrimEnd('.'), exception),
        OutOfMemoryException => SiloStartException.Failure(
            $"out of memory; give it more with {Setting.MemoryLimit.Flag}", exception),
        IOException { HResult: (int)Linux.Errno.NoSpace } => SiloStartException.Failure(
            $"the disk is full ({OneLine(exception)}); free some space", exception),
        _ when exception is SocketException || exception.InnerException is SocketException => SiloStartException.Failure(
            $"cannot listen ({OneLine(exception)}); choose other ports with --silo-port, --gateway-port, --data-port or --http-port",
            exception),
        _ => SiloStartException.Failure(
            $"stopped by an unexpected error ({exception.GetType().Name}: {OneLine(exception)}); "
            + "run it with --log-level debug and report what it says",
            exception),
    };

    private static string OneLine(Exception exception) => exception.Message.ReplaceLineEndings(" ").TrimEnd('.');
}
