using System.Collections.Immutable;
using OrleansCache.Files;
using OrleansCache.Metadata;
using OrleansCache.Namespaces;

namespace OrleansCache;

/// <summary>Sources.</summary>
public sealed partial class CacheClient
{
    /// <summary>A name nobody gives: asking for it asks the under storage.</summary>
    private const string ProbedName = ".ocache-sync";

    /// <summary>Attaches an under storage to the namespace.</summary>
    /// <param name="uri">Such as <c>file:///data/imagenet</c>; the silo must be able to read it.</param>
    /// <param name="path">Where, such as <c>/imagenet</c>.</param>
    /// <param name="options">As <c>name=value</c>: <c>block-size=4MiB</c>, <c>sync=interval(10s)</c>.</param>
    /// <param name="cancellationToken">Ends the wait, not the attaching.</param>
    /// <returns>The source.</returns>
    /// <exception cref="CacheRequestException">The cluster refuses; the message says why.</exception>
    public Task<SourceInfo> AttachAsync(
        string uri, string path, IEnumerable<string>? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(uri);
        ArgumentException.ThrowIfNullOrEmpty(path);
        var request = new AttachRequest(uri, path, [.. options ?? []]);
        return ChangeAsync($"attaching {uri} at {path}", (grain, token) => grain.Attach(request, token), cancellationToken);
    }

    /// <summary>Detaches the source at a path. Its cached blocks stay until they are evicted.</summary>
    /// <param name="path">Where it is attached.</param>
    /// <param name="cancellationToken">Ends the wait, not the detaching.</param>
    /// <returns>What was attached there.</returns>
    /// <exception cref="CacheRequestException">Nothing is attached there.</exception>
    public Task<SourceInfo> DetachAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return ChangeAsync($"detaching {path}", (grain, token) => grain.Detach(path, token), cancellationToken);
    }

    /// <summary>
    /// From now on everybody sees what the under storage has now or later, at a path and below: what is known is asked for again.
    /// Other clients hear of it in moments, at the latest when their leases end.
    /// </summary>
    /// <param name="path">Where; <c>/</c> for all sources.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>What is at the path now: the under storage was asked.</returns>
    /// <exception cref="CacheRequestException">The path is in no source.</exception>
    /// <exception cref="PathNotFoundException">There is nothing any more; the sync was done.</exception>
    /// <exception cref="ClusterUnreachableException">The cluster or the under storage cannot be reached.</exception>
    public async Task<CacheEntry> SyncAsync(string path, CancellationToken cancellationToken = default)
    {
        var normal = Normalize(path);
        await ChangeAsync(
            $"syncing {normal}",
            async (grain, token) =>
            {
                await grain.Sync(normal, token).ConfigureAwait(false);
                return normal;
            },
            cancellationToken).ConfigureAwait(false);
        _core.Names.Forget(normal);
        var node = await FindAsync(normal, followLast: false, "looking up", cancellationToken).ConfigureAwait(false);
        foreach (var source in await ListSourcesAsync(cancellationToken).ConfigureAwait(false))
        {
            var isMeant = source.Path == normal || normal == NamespacePath.Root
                || (source.Path.StartsWith(normal, StringComparison.Ordinal) && source.Path[normal.Length] == '/');
            if (isMeant)
            {
                await ProbeAsync(source, cancellationToken).ConfigureAwait(false);
            }
        }

        return CacheEntry.From(node);
    }

    // The root of a source is known from its attaching: only a name in it makes the silo ask.
    private async Task ProbeAsync(SourceInfo source, CancellationToken cancellationToken)
    {
        var root = await FindAsync(source.Path, followLast: false, "looking up", cancellationToken).ConfigureAwait(false);
        var outcome = await _core.Names.LookupAsync(root, ProbedName, cancellationToken).ConfigureAwait(false);
        if (outcome.Status is not (ReadStatus.Ok or ReadStatus.NotFound))
        {
            throw CacheClientException.From(outcome.Status, source.Path, "asking the under storage of", cause: outcome.Cause);
        }
    }

    /// <summary>What is attached, ordered by path; at most <see cref="DirectoryLease.Default"/> old.</summary>
    /// <exception cref="ClusterUnreachableException">The cluster does not answer.</exception>
    public async Task<ImmutableArray<SourceInfo>> ListSourcesAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        return (await _core.Names.GetSourcesAsync(cancellationToken).ConfigureAwait(false)).Sources;
    }

    private async Task<T> ChangeAsync<T>(
        string what, Func<INamespaceGrain, CancellationToken, ValueTask<T>> change, CancellationToken cancellationToken)
    {
        try
        {
            return await CallOnceAsync(
                what,
                "`ocache sources`",
                token => change(_core.Grains.GetGrain<INamespaceGrain>(INamespaceGrain.Key), token),
                cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _core.Names.InvalidateSources();
        }
    }
}
