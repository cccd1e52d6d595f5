using System.Runtime.CompilerServices;
using Microsoft.Extensions.Hosting;
using OrleansCache.Files;
using OrleansCache.Metadata;
using OrleansCache.Reading;
using OrleansCache.Telemetry;

namespace OrleansCache;

/// <summary>
/// The cache from a .NET program: attach sources, list and read files, load them ahead of need, ask how the cluster is doing.
/// Make one for a process and share it: it is thread-safe, and its metadata, leases and connections serve all callers. A silo
/// that restarts is a pause within <see cref="CacheClientOptions.ReadTimeout"/>, not an error.
/// </summary>
public sealed partial class CacheClient : IAsyncDisposable
{
    /// <summary>Name of the library's <c>ActivitySource</c> and of its <c>Meter</c>, for OpenTelemetry.</summary>
    public const string TelemetryName = "OrleansCache.Client";

    private readonly CacheClientOptions _options;
    private readonly ClientCore _core;
    private readonly PathResolver _paths;
    private readonly IHost? _ownHost;
    private int _disposed;

    internal CacheClient(CacheClientOptions options, ClientCore core, IHost? ownHost)
    {
        _options = options;
        _core = core;
        _paths = new PathResolver(core.Names);
        _ownHost = ownHost;
    }

    /// <summary>Names, for the mount.</summary>
    internal INamespaceView Names => _core.Names;

    /// <summary>Bytes, for the mount.</summary>
    internal IFileOpener Files => _core.Files;

    /// <summary>What is at a path. A link at its end is not followed.</summary>
    /// <param name="path">An absolute namespace path, such as <c>/imagenet/train</c>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="PathNotFoundException">Nothing.</exception>
    /// <exception cref="ClusterUnreachableException">Nobody answered within <see cref="CacheClientOptions.ReadTimeout"/>.</exception>
    public async Task<CacheEntry> StatAsync(string path, CancellationToken cancellationToken = default) =>
        CacheEntry.From(await FindAsync(path, followLast: false, "looking up", cancellationToken).ConfigureAwait(false));

    /// <summary>
    /// What the under storage says is at a path now, past every lease, and how much of it is cached (null for what is no file).
    /// </summary>
    internal async Task<(CacheEntry Entry, CacheResidency? Residency)> InspectAsync(
        string path, CancellationToken cancellationToken)
    {
        var node = await FindAsync(path, followLast: false, "looking up", cancellationToken).ConfigureAwait(false);
        if (node.Kind != FileKind.File)
        {
            return (CacheEntry.From(node), null);
        }

        var now = await _core.Names.RevalidateAsync(node, cancellationToken).ConfigureAwait(false);
        if (now is not { Status: ReadStatus.Ok, Node: { } current })
        {
            throw CacheClientException.From(
                now.Status == ReadStatus.StaleVersion ? ReadStatus.NotFound : now.Status, node.Path, "looking up", cause: now.Cause);
        }

        var outcome = await _core.Files.OpenAsync(current, cancellationToken).ConfigureAwait(false);
        if (outcome.Reader is not FileReader reader)
        {
            throw CacheClientException.From(outcome.Status, node.Path, "opening", outcome.Effort);
        }

        using (reader)
        {
            return (CacheEntry.From(current), await reader.File.GetResidencyAsync(cancellationToken).ConfigureAwait(false));
        }
    }

    /// <summary>The target of a link, as it is stored.</summary>
    /// <param name="path">The link.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="WrongKindException">It is not a link.</exception>
    public async Task<string> ReadLinkAsync(string path, CancellationToken cancellationToken = default)
    {
        var node = await FindAsync(path, followLast: false, "looking up", cancellationToken).ConfigureAwait(false);
        var outcome = await _core.Names.ReadLinkAsync(node, cancellationToken).ConfigureAwait(false);
        return outcome.Status == ReadStatus.Ok
            ? outcome.Target
            : throw CacheClientException.From(outcome.Status, path, "reading the link", cause: outcome.Cause);
    }

    /// <summary>How much of a file is cached. Fetches nothing.</summary>
    /// <param name="path">The file; links are followed.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<CacheResidency> GetResidencyAsync(string path, CancellationToken cancellationToken = default)
    {
        var (_, reader) = await OpenAsync(path, cancellationToken).ConfigureAwait(false);
        using (reader)
        {
            return await reader.File.GetResidencyAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// The entries of a directory, fetched page by page, one page ahead. In the order of their places: names as UTF-8 bytes,
    /// directories as if their name ended in a slash.
    /// </summary>
    /// <param name="path">The directory; links are followed.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="PathNotFoundException">Nothing is there: thrown by the first step of the enumeration.</exception>
    /// <exception cref="WrongKindException">It is not a directory.</exception>
    public IAsyncEnumerable<CacheEntry> ListAsync(string path, CancellationToken cancellationToken = default) =>
        ListAsync(path, static _ => { }, cancellationToken);

    /// <summary>The same, and what of the directory no path can name.</summary>
    /// <param name="path">The directory.</param>
    /// <param name="onUnreachable">Gets keys of the under storage that are not among the entries; not all of very many.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    internal async IAsyncEnumerable<CacheEntry> ListAsync(
        string path, Action<string> onUnreachable, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var directory = await FindAsync(path, followLast: true, "listing", cancellationToken).ConfigureAwait(false);
        var next = ListPageAsync(path, directory, null, cancellationToken);
        while (true)
        {
            var page = await next.ConfigureAwait(false);
            if (page.Status != ReadStatus.Ok)
            {
                throw CacheClientException.From(page.Status, path, "listing", cause: page.Cause);
            }

            // Asked for while the caller uses this one; a caller that leaves early leaves it to end by itself.
            next = page.IsLast ? next : ListPageAsync(path, directory, page.Next, cancellationToken);
            foreach (var node in page.Nodes)
            {
                yield return CacheEntry.From(node);
            }

            foreach (var key in page.Unreachable)
            {
                onUnreachable(key);
            }

            if (page.IsLast)
            {
                yield break;
            }
        }
    }

    /// <summary>Opens the present version of a file; links are followed.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Ends the wait, not the file.</param>
    /// <returns>A stream that can be read at any offset, too; dispose it.</returns>
    /// <exception cref="PathNotFoundException">Nothing is there.</exception>
    /// <exception cref="WrongKindException">It is not a file.</exception>
    public async Task<CachedFile> OpenReadAsync(string path, CancellationToken cancellationToken = default)
    {
        var (node, reader) = await OpenAsync(path, cancellationToken).ConfigureAwait(false);
        return new CachedFile(reader, CacheEntry.From(node));
    }

    /// <summary>Ends the connections. Files that are open must be disposed before.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _core.DisposeAsync().ConfigureAwait(false);
        if (_ownHost is not null)
        {
            using var timeout = new CancellationTokenSource(_options.ConnectTimeout, _options.TimeProvider);
            try
            {
                await _ownHost.StopAsync(timeout.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // A cluster that does not let us go in time is left without a word.
            }

            await DisposeHostAsync(_ownHost).ConfigureAwait(false);
        }
    }

    private async ValueTask<NodeEntry> FindAsync(
        string path, bool followLast, string what, CancellationToken cancellationToken)
    {
        ThrowIfDisposed();
        var normal = Normalize(path);
        var outcome = await _paths.ResolveAsync(normal, followLast, cancellationToken).ConfigureAwait(false);
        return outcome is { Status: ReadStatus.Ok, Node: { } node }
            ? node
            : throw CacheClientException.From(
                outcome.Status is ReadStatus.StaleVersion ? ReadStatus.NotFound : outcome.Status, normal, what, cause: outcome.Cause);
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);

    private static string Normalize(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return NamespacePath.TryNormalize(path, out var normal)
            ? normal
            : throw new WrongKindException(path, $"'{path}' is not a namespace path", "write an absolute path such as /imagenet/train");
    }

    // A page asked for ahead may have no reader any more: its failure is a value.
    private async Task<ListOutcome> ListPageAsync(
        string path, NodeEntry directory, string? after, CancellationToken cancellationToken)
    {
        using var activity = ClientActivities.Start(ClientActivities.List, path);
        try
        {
            var page = await _core.Names.ListAsync(directory, after, cancellationToken).ConfigureAwait(false);
            activity?.SetTag(ClientActivities.EntriesTag, page.Nodes.Count);
            if (activity is not null && page.Status != ReadStatus.Ok)
            {
                activity.Failed(CacheClientException.From(page.Status, path, "listing", cause: page.Cause));
            }

            return page;
        }
        catch (Exception error) when (activity.Failed(error))
        {
            throw;
        }
    }

    private async ValueTask<(NodeEntry Node, FileReader Reader)> OpenAsync(string path, CancellationToken cancellationToken)
    {
        using var activity = ClientActivities.Start(ClientActivities.Open, path);
        try
        {
            return await OpenPresentAsync(path, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (activity.Failed(error))
        {
            throw;
        }
    }

    private async ValueTask<(NodeEntry Node, FileReader Reader)> OpenPresentAsync(string path, CancellationToken cancellationToken)
    {
        // A file that is replaced between the look and the open is looked up once more.
        for (var attempt = 1; ; attempt++)
        {
            var node = await FindAsync(path, followLast: true, "opening", cancellationToken).ConfigureAwait(false);
            if (attempt > 1 && await _core.Names.RenewAsync(node, cancellationToken).ConfigureAwait(false) is { Node: { } now })
            {
                node = now;
            }

            var outcome = await _core.Files.OpenAsync(node, cancellationToken).ConfigureAwait(false);
            if (outcome.Reader is FileReader reader)
            {
                return (node, reader);
            }

            if (outcome.Status != ReadStatus.StaleVersion || attempt == 2)
            {
                throw CacheClientException.From(outcome.Status, path, "opening", outcome.Effort);
            }
        }
    }
}
