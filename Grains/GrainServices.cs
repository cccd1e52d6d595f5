using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using OrleansCache.Grains.Namespaces;

namespace OrleansCache.Grains;

/// <summary>What a silo registers so that the grains of this assembly work.</summary>
public static class GrainServices
{
    /// <summary>
    /// Adds what the grains share. The silo also provides <see cref="Files.ICapabilitySealer"/>,
    /// <see cref="UnderStorage.IUnderStorageCatalog"/> (its look-up delegate: <see cref="IAttachedSources.FindAsync"/>), the
    /// <see cref="Listings.IListingStore"/> and the default grain storage.
    /// </summary>
    public static IServiceCollection AddCacheGrains(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IAttachedSources, AttachedSources>();
        services.TryAddSingleton<SyncFloors>();
        services.TryAddSingleton<IChangePublisher, ChangePublisher>();
        return services;
    }
}
