using OrleansCache.Grains.Listings;

namespace OrleansCache.Silo.Listings;

/// <summary>Registers the store.</summary>
internal static class SqliteListingsExtensions
{
    /// <summary>Adds listings kept in one SQLite file.</summary>
    public static IServiceCollection AddSqliteListings(this IServiceCollection services, string path) =>
        services.AddSingleton<IListingStore>(provider => new SqliteListingStore(
            path, SqliteListingStore.DefaultMaxEntries, provider.GetService<TimeProvider>() ?? TimeProvider.System,
            provider.GetRequiredService<ILogger<SqliteListingStore>>()));
}
