using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace OrleansCache;

/// <summary>Adds the cache to a host.</summary>
public static class OrleansCacheHostExtensions
{
    /// <summary>Registers <see cref="CacheClient"/> as a singleton. It connects when the host starts.</summary>
    /// <param name="builder">The host's builder.</param>
    /// <param name="options">Where the cluster is, and the client's bounds.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static IHostApplicationBuilder AddOrleansCache(this IHostApplicationBuilder builder, CacheClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        builder.UseOrleansClient(client => CacheClient.Configure(client, options, static _ => { }));
        builder.Services.AddSingleton(services => CacheClient.Make(services, options, ownHost: null));
        return builder;
    }
}
