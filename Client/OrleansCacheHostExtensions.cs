using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OrleansCache.Routing;

namespace OrleansCache;

/// <summary>
/// Adds the cache to a host: <see cref="CacheClient"/> as a singleton, which connects when the host starts. A cluster that cannot be
/// reached within <see cref="CacheClientOptions.ConnectTimeout"/> is a <see cref="ClusterUnreachableException"/> of the start.
/// </summary>
public static class OrleansCacheHostExtensions
{
    /// <summary>Section of the configuration that has the options.</summary>
    public const string ConfigurationSection = "OrleansCache";

    /// <summary>
    /// Adds the cache with the options in the section <c>OrleansCache</c> of the host's configuration, such as
    /// <c>OrleansCache:Cluster</c> or <c>OrleansCache__Cluster</c> in the environment.
    /// </summary>
    /// <param name="builder">The host's builder.</param>
    /// <exception cref="ArgumentException">An option is out of range; the message names each one.</exception>
    /// <exception cref="ClusterUnreachableException">The cluster's host name has no address.</exception>
    /// <exception cref="InvalidOperationException">A value of the section is not of its option's type, or names no option.</exception>
    public static IHostApplicationBuilder AddOrleansCache(this IHostApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var section = builder.Configuration.GetSection(ConfigurationSection);
        return builder.AddOrleansCache(
            section.Get<CacheClientOptions>(binder => binder.ErrorOnUnknownConfiguration = true) ?? new CacheClientOptions());
    }

    /// <summary>Adds the cache.</summary>
    /// <param name="builder">The host's builder.</param>
    /// <param name="options">Where the cluster is, and the client's bounds.</param>
    /// <exception cref="ArgumentException">An option is out of range; the message names each one.</exception>
    /// <exception cref="ClusterUnreachableException">The cluster's host name has no address.</exception>
    public static IHostApplicationBuilder AddOrleansCache(this IHostApplicationBuilder builder, CacheClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddOrleansCache(options);
        return builder;
    }

    /// <summary>Adds the cache to services that a host starts.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="options">Where the cluster is, and the client's bounds.</param>
    /// <exception cref="ArgumentException">An option is out of range; the message names each one.</exception>
    /// <exception cref="ClusterUnreachableException">The cluster's host name has no address.</exception>
    public static IServiceCollection AddOrleansCache(this IServiceCollection services, CacheClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var gateway = GatewayAddress.Resolve(options.Cluster);
        services.AddOrleansClient(client => CacheClient.Configure(client, gateway, options, new ConnectFailures(options)));
        services.AddSingleton(provider => CacheClient.Make(provider, options, ownHost: null));
        return services;
    }
}
