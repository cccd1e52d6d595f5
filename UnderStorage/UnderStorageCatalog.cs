using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.UnderStorage;

/// <summary>
/// The under storages this silo has open, one per source. Opening is single flight: who comes second waits for the first. A
/// failed opening is forgotten, so the next question tries again. Thread-safe.
/// </summary>
public sealed class UnderStorageCatalog : IUnderStorageCatalog, IAsyncDisposable
{
    private readonly Dictionary<string, IUnderStorageFactory> _factories;
    private readonly Func<SourceId, CancellationToken, ValueTask<SourceInfo?>> _findAttached;
    private readonly Dictionary<SourceId, Task<IUnderStorage>> _open = [];
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _closing = new();

    /// <summary>Makes one.</summary>
    /// <param name="factories">One per scheme.</param>
    /// <param name="findAttached">Looks a source up in the namespace's table; null when it is not attached.</param>
    public UnderStorageCatalog(
        IEnumerable<IUnderStorageFactory> factories, Func<SourceId, CancellationToken, ValueTask<SourceInfo?>> findAttached)
    {
        _factories = factories.ToDictionary(factory => factory.Scheme, StringComparer.OrdinalIgnoreCase);
        _findAttached = findAttached;
    }

    /// <inheritdoc/>
    public SyncRule DefaultSyncOf(string uri) => FactoryOf(uri).DefaultSync;

    /// <inheritdoc/>
    public SourceIdentity Identify(string uri, SourceOptions options) => FactoryOf(uri).Identify(uri, options);

    /// <inheritdoc/>
    public async ValueTask<IUnderStorage> OpenAsync(string uri, SourceOptions options, CancellationToken cancellationToken)
    {
        var factory = FactoryOf(uri);
        var identity = factory.Identify(uri, options);
        var source = identity.Id;
        Task<IUnderStorage> opening;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closing.IsCancellationRequested, this);
            if (!_open.TryGetValue(source, out opening!))
            {
                // Not the caller's token: the opening belongs to everybody who waits for it. The factory bounds its time.
                opening = factory.OpenAsync(identity, options, _closing.Token).AsTask();
                _open[source] = opening;
            }
        }

        try
        {
            return await opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Forget(source, opening);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IUnderStorage?> FindAsync(SourceId source, CancellationToken cancellationToken)
    {
        Task<IUnderStorage>? opening;
        lock (_gate)
        {
            _open.TryGetValue(source, out opening);
        }

        if (opening is { IsCompletedSuccessfully: true })
        {
            return await opening.ConfigureAwait(false);
        }

        var attached = await _findAttached(source, cancellationToken).ConfigureAwait(false);
        return attached is null
            ? null
            : await OpenAsync(attached.Uri, attached.Options, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask CloseAsync(SourceId source)
    {
        Task<IUnderStorage>? opening;
        lock (_gate)
        {
            _open.Remove(source, out opening);
        }

        if (opening is not null)
        {
            await DisposeOfAsync(opening).ConfigureAwait(false);
        }
    }

    /// <summary>Closes all.</summary>
    public async ValueTask DisposeAsync()
    {
        Task<IUnderStorage>[] all;
        await _closing.CancelAsync().ConfigureAwait(false);
        lock (_gate)
        {
            all = [.. _open.Values];
            _open.Clear();
        }

        foreach (var opening in all)
        {
            await DisposeOfAsync(opening).ConfigureAwait(false);
        }

        _closing.Dispose();
    }

    private static async ValueTask DisposeOfAsync(Task<IUnderStorage> opening)
    {
        await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // who asked for it has seen its failure
        if (opening.IsCompletedSuccessfully)
        {
            await (await opening.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        }
    }

    private void Forget(SourceId source, Task<IUnderStorage> opening)
    {
        lock (_gate)
        {
            if ((opening.IsFaulted || opening.IsCanceled) && _open.TryGetValue(source, out var current) && current == opening)
            {
                _open.Remove(source);
            }
        }
    }

    private IUnderStorageFactory FactoryOf(string uri)
    {
        var colon = uri.IndexOf("://", StringComparison.Ordinal);
        if (colon > 0 && _factories.TryGetValue(uri[..colon], out var factory))
        {
            return factory;
        }

        var known = string.Join(", ", _factories.Keys.Order(StringComparer.Ordinal).Select(scheme => $"{scheme}://"));
        throw new CacheRequestException(
            RequestError.InvalidArgument, $"'{uri}' is not an under storage this silo knows. Known: {known}.");
    }
}
