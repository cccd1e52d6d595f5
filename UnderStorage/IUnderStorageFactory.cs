using OrleansCache.Namespaces;

namespace OrleansCache.UnderStorage;

/// <summary>Opens one kind of under storage, by URI scheme.</summary>
public interface IUnderStorageFactory
{
    /// <summary>The scheme, such as <c>file</c>.</summary>
    string Scheme { get; }

    /// <summary>The URI in the one spelling that ids derive from.</summary>
    /// <exception cref="CacheRequestException">The URI is not one of this kind.</exception>
    string Canonicalize(string uri);

    /// <summary>Opens the source and proves that its root can be listed.</summary>
    /// <exception cref="CacheRequestException">It is missing, not a directory, not readable, or an option does not fit.</exception>
    ValueTask<IUnderStorage> OpenAsync(string canonicalUri, SourceOptions options, CancellationToken cancellationToken);
}
