using Orleans.Runtime.Hosting;

namespace OrleansCache.Silo.GrainStorage;

/// <summary>Registers the store.</summary>
internal static class SqliteGrainStorageExtensions
{
    /// <summary>
    /// Adds grain state in one SQLite file; "Default" serves grains that name no store. The file is opened when the silo starts, so a
    /// store that cannot be used ends the start with <see cref="GrainStorageException"/>.
    /// </summary>
    public static IServiceCollection AddSqliteGrainStorage(this IServiceCollection services, string name, string path)
    {
        services.AddKeyedSingleton(
            name, (provider, _) => SqliteGrainStorage.Open(path, provider.GetService<TimeProvider>() ?? TimeProvider.System));
        services.AddGrainStorage(name, (provider, key) => provider.GetRequiredKeyedService<SqliteGrainStorage>(key));
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(provider => new OpenAtStart(provider, name));
        return services;
    }

    private sealed class OpenAtStart(IServiceProvider provider, string name) : ILifecycleParticipant<ISiloLifecycle>, ILifecycleObserver
    {
        public void Participate(ISiloLifecycle lifecycle) =>
            lifecycle.Subscribe(nameof(SqliteGrainStorage), ServiceLifecycleStage.RuntimeStorageServices, this);

        public Task OnStart(CancellationToken cancellationToken)
        {
            _ = provider.GetRequiredKeyedService<SqliteGrainStorage>(name);
            return Task.CompletedTask;
        }

        public Task OnStop(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
