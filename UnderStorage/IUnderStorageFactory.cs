using OrleansCache.Namespaces;

namespace OrleansCache.UnderStorage;

/// <summary>Opens one kind of under storage, by URI scheme.</summary>
public interface IUnderStorageFactory
{
    /// <summary>The scheme, such as <c>file</c>.</summary>
    string Scheme { get; }

    /// <summary>The freshness promise of sources that name none.</summary>
    SyncRule DefaultSync => SyncRule.Default;

    /// <summary>Which place a URI with its options means.</summary>
    /// <exception cref="CacheRequestException">The URI is not one of this kind, or an option is unknown or out of range.</exception>
    SourceIdentity Identify(string uri, SourceOptions options);

    /// <summary>Opens the source and proves that its root can be listed.</summary>
    /// <exception cref="CacheRequestException">It is missing, not a directory, not readable, or an option does not fit.</exception>
    ValueTask<IUnderStorage> OpenAsync(SourceIdentity identity, SourceOptions options, CancellationToken cancellationToken);
}
