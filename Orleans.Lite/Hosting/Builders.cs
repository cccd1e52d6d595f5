namespace Orleans.Hosting
{
    /// <summary>Sets up a silo.</summary>
    public interface ISiloBuilder
    {
        /// <summary>The host's services.</summary>
        IServiceCollection Services { get; }
    }

    /// <summary>Sets up a client.</summary>
    public interface IClientBuilder
    {
        /// <summary>The host's services.</summary>
        IServiceCollection Services { get; }
    }

    internal sealed record Builder(IServiceCollection Services) : ISiloBuilder, IClientBuilder;
    /// <summary>Asked when connecting at start failed: true to try again.</summary>
    internal sealed record ConnectionRetryFilter(Func<Exception, CancellationToken, Task<bool>> Ask);

    /// <summary>What one can say of a silo.</summary>
    public static class SiloBuilderExtensions
    {
        /// <summary>One silo on this machine with a gateway for clients of this machine.</summary>
        public static ISiloBuilder UseLocalhostClustering(
            this ISiloBuilder builder, int siloPort = 11111, int gatewayPort = 30000,
            IPEndPoint? primarySiloEndpoint = null, string serviceId = "dev", string clusterId = "dev") =>
            primarySiloEndpoint is not null && primarySiloEndpoint.Port != siloPort
                ? throw new OrleansConfigurationException("Orleans.Lite has one silo for now: there is none to join.")
                : builder.ConfigureEndpoints(IPAddress.Loopback, siloPort, gatewayPort).Configure<ClusterOptions>(
                    options => (options.ServiceId, options.ClusterId) = (serviceId, clusterId));

        /// <summary>Sets the address and the ports.</summary>
        public static ISiloBuilder ConfigureEndpoints(this ISiloBuilder builder, IPAddress advertisedIP, int siloPort,
            int gatewayPort, bool listenOnAnyHostAddress = false) => builder.Configure<EndpointOptions>(options =>
            {
                options.AdvertisedIPAddress = listenOnAnyHostAddress ? IPAddress.Any : advertisedIP;
                options.SiloPort = siloPort;
                options.GatewayPort = gatewayPort;
            });

        /// <summary>Sets options.</summary>
        public static ISiloBuilder Configure<TOptions>(this ISiloBuilder builder, Action<TOptions> configureOptions)
            where TOptions : class => builder.ConfigureServices(services => services.Configure(configureOptions));

        /// <summary>Adds services.</summary>
        public static ISiloBuilder ConfigureServices(
            this ISiloBuilder builder, Action<IServiceCollection> configureDelegate)
        {
            configureDelegate(builder.Services);
            return builder;
        }
    }

    /// <summary>What one can say of a client.</summary>
    public static class ClientBuilderExtensions
    {
        /// <summary>The gateway is on this machine.</summary>
        public static IClientBuilder UseLocalhostClustering(this IClientBuilder builder, int gatewayPort = 30000,
            string serviceId = "dev", string clusterId = "dev") => builder
                .UseStaticClustering(new IPEndPoint(IPAddress.Loopback, gatewayPort)).Configure<ClusterOptions>(
                    options => (options.ServiceId, options.ClusterId) = (serviceId, clusterId));

        /// <summary>The gateways are these.</summary>
        public static IClientBuilder UseStaticClustering(this IClientBuilder builder, params IPEndPoint[] endpoints) =>
            builder.Configure<GatewayList>(options => options.Gateways = endpoints);

        /// <summary>Asked when connecting at start failed: true to try again.</summary>
        public static IClientBuilder UseConnectionRetryFilter(
            this IClientBuilder builder, Func<Exception, CancellationToken, Task<bool>> connectionRetryFilter) =>
            builder.ConfigureServices(services =>
                services.AddSingleton(new ConnectionRetryFilter(connectionRetryFilter)));

        /// <summary>Sets options.</summary>
        public static IClientBuilder Configure<TOptions>(this IClientBuilder builder, Action<TOptions> configureOptions)
            where TOptions : class => builder.ConfigureServices(services => services.Configure(configureOptions));

        /// <summary>Adds services.</summary>
        public static IClientBuilder ConfigureServices(
            this IClientBuilder builder, Action<IServiceCollection> configureDelegate)
        {
            configureDelegate(builder.Services);
            return builder;
        }
    }
}

namespace Microsoft.Extensions.Hosting
{
    /// <summary>Adds a silo to a host.</summary>
    public static class OrleansSiloGenericHostExtensions
    {
        /// <summary>Adds a silo.</summary>
        public static IHostApplicationBuilder UseOrleans(
            this IHostApplicationBuilder hostAppBuilder, Action<ISiloBuilder>? configureDelegate = null)
        {
            SiloServices.Add(hostAppBuilder.Services);
            configureDelegate?.Invoke(new Builder(hostAppBuilder.Services));
            return hostAppBuilder;
        }
    }

    /// <summary>Adds a client to a host.</summary>
    public static class OrleansClientGenericHostExtensions
    {
        /// <summary>Adds a client; it connects when the host starts.</summary>
        public static IHostApplicationBuilder UseOrleansClient(
            this IHostApplicationBuilder hostAppBuilder, Action<IClientBuilder>? configureDelegate = null)
        {
            hostAppBuilder.Services.AddOrleansClient(builder => configureDelegate?.Invoke(builder));
            return hostAppBuilder;
        }

        /// <summary>Adds a client; it connects when the host of these services starts.</summary>
        public static IServiceCollection AddOrleansClient(
            this IServiceCollection services, Action<IClientBuilder> configureDelegate)
        {
            ClientServices.Add(services);
            configureDelegate(new Builder(services));
            return services;
        }
    }
}

namespace Orleans.Runtime.Hosting
{
    /// <summary>Registers storage providers.</summary>
    public static class StorageProviderExtensions
    {
        /// <summary>Adds a named provider of grain state. The name "Default" serves states that name none.</summary>
        public static IServiceCollection AddGrainStorage<T>(
            this IServiceCollection collection, string name, Func<IServiceProvider, string, T> implementationFactory)
            where T : IGrainStorage => collection.AddKeyedSingleton<IGrainStorage>(
                name, (services, key) => implementationFactory(services, (string)key!));
    }
}
