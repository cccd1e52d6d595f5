using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;
using Orleans.Storage;

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
            configureDelegate?.Invoke(new Builder(hostAppBuilder.Services, hostAppBuilder.Configuration));
            return hostAppBuilder;
        }

        /// <summary>Adds a silo.</summary>
        public static IHostBuilder UseOrleans(this IHostBuilder hostBuilder, Action<ISiloBuilder> configureDelegate) =>
            hostBuilder.ConfigureServices((context, services) =>
            {
                SiloServices.Add(services);
                configureDelegate(new Builder(services, context.Configuration));
            });
    }

    /// <summary>Adds a client to a host.</summary>
    public static class OrleansClientGenericHostExtensions
    {
        /// <summary>Adds a client; it connects when the host starts.</summary>
        public static IHostApplicationBuilder UseOrleansClient(
            this IHostApplicationBuilder hostAppBuilder, Action<IClientBuilder>? configureDelegate = null)
        {
            ClientServices.Add(hostAppBuilder.Services);
            configureDelegate?.Invoke(new Builder(hostAppBuilder.Services, hostAppBuilder.Configuration));
            return hostAppBuilder;
        }

        /// <summary>Adds a client; it connects when the host starts.</summary>
        public static IHostBuilder UseOrleansClient(
            this IHostBuilder hostBuilder, Action<IClientBuilder> configureDelegate) =>
            hostBuilder.ConfigureServices((context, services) =>
            {
                ClientServices.Add(services);
                configureDelegate(new Builder(services, context.Configuration));
            });
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
