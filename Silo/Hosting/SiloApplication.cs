using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Console;
using Orleans.Configuration;
using OrleansCache.Silo.Configuration;
using OrleansCache.Silo.Telemetry;

namespace OrleansCache.Silo.Hosting;

/// <summary>The host of a silo: the engine with its grains and the web server with three pages.</summary>
internal static class SiloApplication
{
    /// <summary>Grain calls carry decisions: whoever sends more than this sends payload (DESIGN 3).</summary>
    private const int MaxGrainMessageBytes = 64 * 1024;

    /// <summary>Addresses and request context; ours are far below.</summary>
    private const int MaxGrainHeaderBytes = 16 * 1024;

    /// <summary>How long the engine and the web server together may take to stop.</summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(4);

    /// <summary>Builds it; nothing starts.</summary>
    public static WebApplication Build(
        SiloSettings settings, DataDirectory data, byte[] sealingKey, Readiness readiness, Func<MetricsPage?> metrics)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            ContentRootPath = AppContext.BaseDirectory,
            EnvironmentName = Environments.Production,
        });
        ConfigureLogging(builder.Logging, settings.LogLevel);
        builder.WebHost.ConfigureKestrel(kestrel => Configure(kestrel, settings));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = StopTimeout);
        builder.Services.AddSingleton(TimeProvider.System);
        GrainHosting.Add(builder.Services, data, sealingKey);
        builder.UseOrleans(silo => silo
            .ConfigureEndpoints(settings.Listen, settings.SiloPort, settings.GatewayPort)
            .Configure<ClusterOptions>(cluster =>
            {
                cluster.ClusterId = ClusterIdentity.DefaultClusterId;
                cluster.ServiceId = ClusterIdentity.ServiceId;
            })
            .Configure<Orleans.Configuration.SiloOptions>(options => options.SiloName = settings.Name)
            .Configure<SiloMessagingOptions>(messaging =>
            {
                messaging.MaxMessageBodySize = MaxGrainMessageBytes;
                messaging.MaxMessageHeaderSize = MaxGrainHeaderBytes;
            }));
        var application = builder.Build();
        HttpEndpoints.Map(application, readiness, metrics);
        return application;
    }

    private static void Configure(KestrelServerOptions kestrel, SiloSettings settings)
    {
        kestrel.Listen(settings.Listen, settings.HttpPort);
        kestrel.AddServerHeader = false;

        // Three small pages for a few scrapers: everything else is somebody's mistake.
        kestrel.Limits.MaxConcurrentConnections = 256;
        kestrel.Limits.MaxRequestBodySize = 16 * 1024;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(60);
    }

    private static void ConfigureLogging(ILoggingBuilder logging, LogLevel level)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(level);

        // What fails at the start is said by us in one sentence; the hosts would add a page each.
        logging.AddFilter("Microsoft.Hosting", LogLevel.None);
        logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        logging.AddFilter("Microsoft.AspNetCore.Hosting", LogLevel.None);
        logging.AddFilter("Microsoft", LogLevel.Warning);
        logging.AddConsole(console =>
        {
            console.LogToStandardErrorThreshold = LogLevel.Trace;
            console.FormatterName = OneLineFormatter.FormatterName;
        });
        logging.Services.AddSingleton<ConsoleFormatter>(
            new OneLineFormatter(wholeExceptions: level <= LogLevel.Debug, TimeProvider.System));
    }
}
