using OrleansCache.Grains;
using OrleansCache.Grains.Files;
using OrleansCache.Grains.Namespaces;
using OrleansCache.Grains.Silos;
using OrleansCache.Silo.Disks;
using OrleansCache.Silo.GrainStorage;
using OrleansCache.Silo.Listings;
using OrleansCache.Silo.Telemetry;
using OrleansCache.UnderStorage;
using OrleansCache.UnderStorage.Directories;
using OrleansCache.UnderStorage.S3;

namespace OrleansCache.Silo.Hosting;

/// <summary>What the grains of this silo are given: their classes, where their state goes, the key they seal rights with.</summary>
internal static class GrainHosting
{
    /// <summary>The store of states that name none.</summary>
    private const string DefaultStorage = "Default";

    /// <summary>Registers it.</summary>
    public static void Add(IServiceCollection services, DataDirectory data, ReadOnlyMemory<byte> sealingKey)
    {
        services.AddCacheGrains();
        services.AddSingleton<GrainCallCounter>();
        services.AddSingleton<DiskControl>();
        services.AddSingleton<IDiskControl>(provider => provider.GetRequiredService<DiskControl>());
        services.AddSingleton<IIncomingGrainCallFilter>(provider => provider.GetRequiredService<GrainCallCounter>());
        services.AddSqliteGrainStorage(DefaultStorage, data.GrainsDatabase);
        services.AddSqliteListings(data.ListingsDatabase);
        services.AddSingleton<ICapabilitySealer>(new CapabilitySealer(sealingKey));
        services.AddSingleton(provider => new S3UnderStorageFactory(
            provider.GetRequiredService<ILoggerFactory>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IUnderStorageCatalog>(provider => new UnderStorageCatalog(
            [
                new DirectoryUnderStorageFactory(new DirectoryUnderStorageOptions(), provider.GetRequiredService<TimeProvider>()),
                provider.GetRequiredService<S3UnderStorageFactory>(),
            ],
            (source, cancellationToken) =>
                provider.GetRequiredService<IAttachedSources>().FindAsync(source, cancellationToken)));
    }
}
