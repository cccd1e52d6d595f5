namespace OrleansCache.Namespaces;

/// <summary>The one namespace (key <see cref="Key"/>): which source is attached where. Persisted.</summary>
[Alias("INamespaceGrain")]
public interface INamespaceGrain : IGrainWithStringKey
{
    /// <summary>The only key.</summary>
    const string Key = "namespace";

    /// <summary>Attaches a source after probing it.</summary>
    /// <param name="request">What and where.</param>
    /// <param name="cancellationToken">Ends the probing.</param>
    /// <returns>The source as attached.</returns>
    /// <exception cref="CacheRequestException">
    /// The path is taken or overlaps, the URI is unknown, missing or unreadable, or an option is wrong.
    /// </exception>
    [Alias("Attach")]
    ValueTask<SourceInfo> Attach(AttachRequest request, CancellationToken cancellationToken);

    /// <summary>Detaches the source at a path. Cached blocks stay until they are evicted.</summary>
    /// <exception cref="CacheRequestException">Nothing is attached there.</exception>
    [Alias("Detach")]
    ValueTask<SourceInfo> Detach(string path, CancellationToken cancellationToken);

    /// <summary>
    /// From now on everybody sees what the under storage has now or later, at a path and below: nothing known before counts. Asks
    /// the under storage nothing by itself, and costs the same for a file and for a million.
    /// </summary>
    /// <param name="path">Absolute namespace path in or at a source; <c>/</c> = all sources.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="CacheRequestException">The path is in no source.</exception>
    [Alias("Sync")]
    ValueTask Sync(string path, CancellationToken cancellationToken);

    /// <summary>The table. Clients may keep it for <see cref="DirectoryLease.Default"/>.</summary>
    [Alias("GetTable"), Orleans.Concurrency.AlwaysInterleave]
    ValueTask<NamespaceTable> GetTable(CancellationToken cancellationToken);
}
