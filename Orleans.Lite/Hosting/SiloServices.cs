using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Runtime.Messaging;
using Orleans.Serialization;

namespace Orleans.Hosting;

/// <summary>What silos and clients both need.</summary>
internal static class EngineServices
{
    public static void Add(IServiceCollection services)
    {
        services.AddOptions();
        services.AddLogging();
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<EngineInstruments>();
        services.TryAddSingleton<Manifest>();
        services.TryAddSingleton(provider =>
        {
            var factory = new Lazy<GrainFactory>(provider.GetRequiredService<GrainFactory>);
            return new CodecProvider(
                provider.GetRequiredService<Manifest>().Names, (type, id) => factory.Value.MakeReference(type, id));
        });
        services.TryAddSingleton(provider => new Serializer(provider.GetRequiredService<CodecProvider>()));
        services.TryAddSingleton(provider => new GrainFactory(
            provider, new Lazy<CallRuntime>(provider.GetRequiredService<CallRuntime>),
            provider.GetRequiredService<IGrainTypeResolver>()));
        services.TryAddSingleton<IGrainFactory>(provider => provider.GetRequiredService<GrainFactory>());
        services.TryAddSingleton<IClusterClient>(provider => provider.GetRequiredService<GrainFactory>());
    }

    public static void AddCalls<TOptions>(IServiceCollection services)
        where TOptions : MessagingOptions => services.TryAddSingleton(provider => new CallRuntime(
            provider.GetRequiredService<CodecProvider>(), provider.GetRequiredService<IRequestRouter>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<IOptions<TOptions>>().Value,
            provider.GetServices<IOutgoingGrainCallFilter>()));
}

internal static class SiloServices
{
    public static void Add(IServiceCollection services)
    {
        if (services.Any(service => service.ServiceType == typeof(Catalog)))
        {
            return;
        }

        EngineServices.Add(services);
        EngineServices.AddCalls<SiloMessagingOptions>(services);
        services.AddOptions<GrainTypeOptions>().Configure(options =>
            options.Classes.UnionWith(AssemblyScan.Types().Where(Manifest.IsGrainClass)));
        services.AddSingleton<LocalSiloDetails>();
        services.AddSingleton<ILocalSiloDetails>(provider => provider.GetRequiredService<LocalSiloDetails>());
        services.AddSingleton<SiloLifecycle>();
        services.AddSingleton<ISiloLifecycle>(provider => provider.GetRequiredService<SiloLifecycle>());
        services.AddSingleton<Membership>();
        services.AddSingleton<GrainDirectory>();
        services.AddSingleton<Placement>();
        services.AddSingleton<RequestInvoker>();
        services.AddSingleton<Catalog>();
        services.AddSingleton<MessageRouter>();
        services.AddSingleton<IRequestRouter>(provider => provider.GetRequiredService<MessageRouter>());
        services.AddSingleton<IGrainTypeResolver, ManifestResolver>();
        services.AddSingleton(provider => new GatewayServices(
            provider.GetRequiredService<MessageRouter>(), provider.GetRequiredService<Manifest>(),
            provider.GetRequiredService<CodecProvider>(), provider.GetRequiredService<CallRuntime>(),
            provider.GetRequiredService<EngineInstruments>(), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<Gateway>>(), provider.GetRequiredService<ILocalSiloDetails>(),
            provider.GetRequiredService<IOptions<ClusterOptions>>().Value,
            provider.GetRequiredService<IOptions<ConnectionOptions>>().Value,
            provider.GetRequiredService<IOptions<SiloMessagingOptions>>().Value));
        services.AddSingleton<Gateway>();
        services.AddHostedService<SiloHostedService>();
    }

    private sealed class ManifestResolver(Manifest manifest) : IGrainTypeResolver
    {
        public GrainType Resolve(InterfaceDescriptor description) =>
            manifest.GrainTypeOf(description.Name, description.Type);
    }
}

internal static class ClientServices
{
    public static void Add(IServiceCollection services)
    {
        if (services.Any(service => service.ServiceType == typeof(Catalog)))
        {
            throw new OrleansConfigurationException(
                "A silo process has a client already: take IClusterClient or IGrainFactory from its services.");
        }

        EngineServices.Add(services);
        EngineServices.AddCalls<ClientMessagingOptions>(services);
        services.TryAddSingleton(provider => ActivatorUtilities.CreateInstance<ClientConnections>(
            provider, new Lazy<CallRuntime>(provider.GetRequiredService<CallRuntime>)));
        services.TryAddSingleton<IRequestRouter>(provider => provider.GetRequiredService<ClientConnections>());
        services.TryAddSingleton<IGrainTypeResolver>(provider => provider.GetRequiredService<ClientConnections>());
        services.AddHostedService<ClientHostedService>();
    }
}

/// <summary>Runs the silo's lifecycle with the host.</summary>
internal sealed class SiloHostedService : IHostedService
{
    private readonly SiloLifecycle _lifecycle;

    public SiloHostedService(
        SiloLifecycle lifecycle, Manifest manifest, CallRuntime calls, RequestInvoker invoker, Catalog catalog,
        Gateway gateway,
        IOptions<SiloMessagingOptions> messaging, IEnumerable<ILifecycleParticipant<ISiloLifecycle>> participants)
    {
        _lifecycle = lifecycle;
        invoker.DropExpired = messaging.Value.DropExpiredMessages;
        lifecycle.Subscribe("Contracts", ServiceLifecycleStage.RuntimeInitialize, _ =>
        {
            manifest.CheckMethods(calls);
            return Task.CompletedTask;
        });
        lifecycle.Subscribe(
            "Catalog", ServiceLifecycleStage.GrainDeactivation,
            _ =>
            {
                catalog.Start();
                return Task.CompletedTask;
            },
            catalog.StopAsync);
        lifecycle.Subscribe(
            "Gateway", ServiceLifecycleStage.BecomeActive,
            _ =>
            {
                gateway.Start();
                return Task.CompletedTask;
            },
            _ =>
            {
                gateway.StopAccepting();
                return Task.CompletedTask;
            });
        lifecycle.Subscribe(
            "Clients", ServiceLifecycleStage.GrainDeactivation - 1, static _ =>
                Task.CompletedTask, _ => gateway.StopAsync());
        foreach (var participant in participants)
        {
            participant.Participate(lifecycle);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => _lifecycle.StartAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => _lifecycle.StopAsync(cancellationToken);
}

/// <summary>Connects the client with the host.</summary>
internal sealed class ClientHostedService(ClientConnections connections, Manifest manifest) : IHostedService
{
    /// <summary>Taken here so that bad contracts fail the start and not the first call.</summary>
    private readonly Manifest _manifest = manifest;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _ = _manifest.GrainInterfaces;
        return connections.StartAsync(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => connections.StopAsync();
}
