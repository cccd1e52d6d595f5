using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using OrleansCache.Grains.Namespaces;

namespace OrleansCache.Grains;

/// <summary>What a silo registers so that the grains of this assembly work.</summary>
public static class GrainServices
{
    /// <summary>
    /// Adds what the grains share. The silo also provides <see cref="Files.ICapabilitySealer"/>,
    /// <see cref="UnderStorage.IUnderStorageCatalog"/> (its look-up delegate: <see cref="IAttachedSources.FindAsync"/>) and the
    /// default grain storage.
    /// </summary>
    public static IServiceCollection AddCacheGrains(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IAttachedSources, AttachedSources>();
        services.TryAddSingleton(new ListingBudget(ListingBudget.DefaultMaxEntries));
        return services;
    }
}
