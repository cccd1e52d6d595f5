using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Orleans.Hosting;

/// <summary>What silos and clients both need.</summary>
internal static class EngineServices
{
    public static void Add<TOptions>(IServiceCollection services)
        where TOptions : MessagingOptions
    {
        services.AddOptions().AddLogging();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<Manifest>();
        services.TryAddSingleton(provider =>
        {
            var factory = new Lazy<GrainFactory>(provider.GetRequiredService<GrainFactory>);
            return new CodecProvider(
                provider.GetRequiredService<Manifest>().Names, (type, id) => factory.Value.MakeReference(type, id));
        });
        services.TryAddSingleton(provider => new GrainFactory(
            provider, new Lazy<CallRuntime>(provider.GetRequiredService<CallRuntime>),
            provider.GetRequiredService<IGrainTypeResolver>()));
        services.TryAddSingleton<IGrainFactory>(provider => provider.GetRequiredService<GrainFactory>());
        services.TryAddSingleton<IClusterClient>(provider => provider.GetRequiredService<GrainFactory>());
        services.TryAddSingleton(provider => ActivatorUtilities.CreateInstance<CallRuntime>(
            provider, provider.GetRequiredService<IOptions<TOptions>>().Value.ResponseTimeout));
    }
}

internal static class SiloServices
{
    public static void Add(IServiceCollection services)
    {
        EngineServices.Add<SiloMessagingOptions>(services);
        services.Configure<ManifestOptions>(options => options.HostsGrains = true);
        services.AddSingleton<ILocalSiloDetails, LocalSiloDetails>();
        services.AddSingleton<SiloLifecycle>();
        services.AddSingleton<Membership>();
        services.AddSingleton<GrainDirectory>();
        services.AddSingleton<Placement>();
        services.AddSingleton<RequestInvoker>();
        services.AddSingleton<Catalog>();
        services.AddSingleton<MessageRouter>();
        services.AddSingleton<IRequestRouter>(provider => provider.GetRequiredService<MessageRouter>());
        services.AddSingleton<IGrainTypeResolver>(provider => provider.GetRequiredService<Manifest>());
        services.AddSingleton<GatewayServices>();
        services.AddSingleton<Gateway>();
        services.AddHostedService<SiloHostedService>();
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

        EngineServices.Add<ClientMessagingOptions>(services);
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

    public SiloHostedService(SiloLifecycle lifecycle, Manifest manifest, CallRuntime calls, Catalog catalog,
        Gateway gateway, IEnumerable<ILifecycleParticipant<ISiloLifecycle>> participants)
    {
        _lifecycle = lifecycle;
        Join("Contracts", ServiceLifecycleStage.RuntimeInitialize, () => manifest.CheckMethods(calls));
        lifecycle.Subscribe("Clients", ServiceLifecycleStage.GrainDeactivation - 1, Do(static () => { }),
            _ => gateway.StopAsync());
        lifecycle.Subscribe("Catalog", ServiceLifecycleStage.GrainDeactivation, Do(catalog.Start), catalog.StopAsync);
        Join("Gateway", ServiceLifecycleStage.BecomeActive, gateway.Start, gateway.StopAccepting);
        foreach (var participant in participants)
        {
            participant.Participate(lifecycle);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => _lifecycle.StartAsync(cancellationToken);
    public Task StopAsync(CancellationToken cancellationToken) => _lifecycle.StopAsync(cancellationToken);

    private static Func<CancellationToken, Task> Do(Action? action) => _ =>
    {
        action?.Invoke();
        return Task.CompletedTask;
    };

    private void Join(string name, int stage, Action onStart, Action? onStop = null) =>
        _lifecycle.Subscribe(name, stage, Do(onStart), Do(onStop));
}

/// <summary>Connects the client with the host. Takes the manifest so that bad contracts fail the start.</summary>
#pragma warning disable CS9113 // The manifest checks the contracts while it is made.
internal sealed class ClientHostedService(ClientConnections connections, Manifest manifest) : IHostedService
#pragma warning restore CS9113
{
    public Task StartAsync(CancellationToken cancellationToken) => connections.StartAsync(cancellationToken);
    public Task StopAsync(CancellationToken cancellationToken) => connections.StopAsync();
}
