using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.UnderStorage;

/// <summary>The under storages this silo has open. One instance per process; thread-safe.</summary>
public interface IUnderStorageCatalog
{
    /// <summary>The freshness promise of a source that names none.</summary>
    /// <exception cref="CacheRequestException">The scheme is unknown.</exception>
    SyncRule DefaultSyncOf(string uri) => SyncRule.Default;

    /// <summary>Which place a URI with its options means.</summary>
    /// <exception cref="CacheRequestException">The scheme is unknown, the URI is not one of it, or an option does not fit.</exception>
    SourceIdentity Identify(string uri, SourceOptions options);

    /// <summary>Opens and keeps the source; the same URI and options give the same instance.</summary>
    /// <exception cref="CacheRequestException">See <see cref="IUnderStorageFactory"/>; an unknown scheme.</exception>
    ValueTask<IUnderStorage> OpenAsync(string uri, SourceOptions options, CancellationToken cancellationToken);

    /// <summary>
    /// The open source of this id. One not open yet (after a restart) is opened from the namespace's table.
    /// </summary>
    /// <returns>Null when no such source is attached.</returns>
    ValueTask<IUnderStorage?> FindAsync(SourceId source, CancellationToken cancellationToken);

    /// <summary>Closes a detached source once nobody uses it.</summary>
    ValueTask CloseAsync(SourceId source);
}
