using Microsoft.Extensions.Logging;
using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.Metadata;

/// <summary>
/// The namespace through leases. Names and pages are cached with the leases their grains gave, measured on the monotonic
/// clock from before the question, and forgotten earlier when their source tells of a change; an answer to a question of before a
/// change is good for once. Questions in flight are shared; an answer without a lease is never given to somebody who asked
/// later. Thread-safe. Waits for an unreachable cluster until the deadline.
/// </summary>
internal sealed partial class NamespaceView : INamespaceView, ICapabilitySource, IAsyncDisposable
{
    private readonly IGrainFactory _grains;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly GrainCaller _caller;
    private readonly SourceTable _sources;
    private readonly NameCache _cache;
    private readonly ChangeFeed _feed;
    private readonly bool _followsChanges;
    private readonly SingleFlight<(string Path, FileId Directory), Answer> _lookups = new();
    private readonly SingleFlight<(string Path, FileId Directory, string? After), PageAnswer> _lists = new();

    public NamespaceView(IGrainFactory grains, NamespaceViewOptions options, TimeProvider time, ILogger<NamespaceView> logger)
    {
        _grains = grains;
        _time = time;
        _logger = logger;
        _caller = new GrainCaller(options.Deadline, time, logger);
        _sources = new SourceTable(grains, _caller, time);
        _cache = new NameCache(options, time);
        _feed = new ChangeFeed(grains, OnBatch, time, Random.Shared, logger);
        _followsChanges = options.FollowsChanges;
    }

    /// <summary>Names held, for tests and metrics.</summary>
    public int CachedNames => _cache.Count;

    /// <summary>Estimated bytes held, for tests and metrics.</summary>
    public long CachedBytes => _cache.Bytes;

    /// <inheritdoc/>
    public ValueTask<NodeOutcome> GetRootAsync(CancellationToken cancellationToken) =>
        _sources.TryGet(out var tree, out var validFor)
            ? new(new NodeOutcome(ReadStatus.Ok, tree.Root, validFor))
            : AskAsync(
                NamespacePath.Root,
                static async (view, _, token) =>
                {
                    var (tree, validFor) = await view._sources.GetAsync(token).ConfigureAwait(false);
                    return new NodeOutcome(ReadStatus.Ok, tree.Root, validFor);
                },
                string.Empty,
                cancellationToken);

    /// <inheritdoc/>
    public ValueTask<NodeOutcome> LookupAsync(NodeEntry directory, string name, CancellationToken cancellationToken)
    {
        if (directory.Kind != FileKind.Directory)
        {
            return new(new NodeOutcome(ReadStatus.NotADirectory, null, TimeSpan.Zero));
        }

        if (!NamespacePath.IsName(name))
        {
            return new(new NodeOutcome(ReadStatus.NotFound, null, TimeSpan.Zero));
        }

        var path = NamespacePath.Combine(directory.Path, name);
        if (_sources.TryGet(out var tree, out var treeValidFor)
            && TryLookupLive(tree, treeValidFor, directory, path, out var outcome))
        {
            return new(outcome);
        }

        return AskAsync(
            path,
            static (view, state, token) => view.LookupSlowAsync(state.directory, state.path, past: false, token),
            (directory, path),
            cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<NodeOutcome> RefreshAsync(NodeEntry node, CancellationToken cancellationToken)
    {
        if (_sources.TryGet(out var tree, out var treeValidFor))
        {
            if (node.Source is null || node.SourcePath.Length == 0)
            {
                return new(OfPlace(tree.Find(node.Path), treeValidFor));
            }

            if (tree.Has(node.Source) && _cache.TryGetName(node.Path, null, out var cached, out var validFor))
            {
                return new(new NodeOutcome(cached is null ? ReadStatus.NotFound : ReadStatus.Ok, cached, validFor));
            }
        }

        return AskAsync(
            node.Path, static (view, state, token) => view.RefreshSlowAsync(state, past: false, token), node, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<NodeOutcome> RenewAsync(NodeEntry node, CancellationToken cancellationToken) =>
        AskAsync(
            node.Path, static (view, state, token) => view.RefreshSlowAsync(state, past: true, token), node, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<LinkTargetOutcome> ReadLinkAsync(NodeEntry link, CancellationToken cancellationToken)
    {
        if (link.Kind != FileKind.Symlink || link.Source is null)
        {
            return new LinkTargetOutcome(ReadStatus.InvalidRequest, string.Empty);
        }

        try
        {
            var parent = await ParentOfAsync(link, cancellationToken).ConfigureAwait(false);
            if (parent.Node is not { Source: not null } directory)
            {
                return new LinkTargetOutcome(
                    parent.Status == ReadStatus.Ok ? ReadStatus.NotFound : parent.Status, string.Empty);
            }

            var reference = ReferenceTo(directory);
            var result = await _caller.AskAsync(
                link.Path,
                token => _grains.GetGrain<IDirectoryGrain>(reference.GrainKey).ReadLink(reference, link.Entry.Name, token),
                cancellationToken).ConfigureAwait(false);
            return new LinkTargetOutcome(result.Status, result.Target);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return new LinkTargetOutcome(StatusOf(error, link.Path), string.Empty) { Cause = error as CacheClientException };
        }
    }

    /// <summary>Forgets the table of sources after this process changed it.</summary>
    public void InvalidateSources() => _sources.Invalidate();

    /// <summary>The table of sources.</summary>
    public async ValueTask<NamespaceTable> GetSourcesAsync(CancellationToken cancellationToken) =>
        (await _sources.GetAsync(cancellationToken).ConfigureAwait(false)).Tree.Table;

    private static NodeOutcome OfPlace(NodeEntry? place, TimeSpan validFor) =>
        new(place is null ? ReadStatus.NotFound : ReadStatus.Ok, place, validFor);

    private static DirectoryRef ReferenceTo(NodeEntry directory) =>
        new(directory.Source!.Id, directory.SourcePath, directory.Entry.Metadata.Id);

    private bool TryLookupLive(
        SourceTree tree, TimeSpan treeValidFor, NodeEntry directory, string path, out NodeOutcome outcome)
    {
        if (directory.Source is null)
        {
            outcome = OfPlace(tree.Find(path), treeValidFor);
            return true;
        }

        if (!tree.Has(directory.Source))
        {
            outcome = new NodeOutcome(ReadStatus.StaleVersion, null, TimeSpan.Zero);
            return true;
        }

        var found = _cache.TryGetName(path, directory, out var node, out var validFor);
        if (!found)
        {
            found = _cache.IsListedAbsent(directory, path.AsSpan(path.LastIndexOf('/') + 1), out validFor);
            node = null;
        }

        outcome = OfPlace(node, validFor);
        return found;
    }

    // One place where what a question may throw becomes a status.
    private async ValueTask<NodeOutcome> AskAsync<TState>(
        string path, Func<NamespaceView, TState, CancellationToken, ValueTask<NodeOutcome>> ask, TState state,
        CancellationToken cancellationToken)
    {
        try
        {
            return await ask(this, state, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return new NodeOutcome(StatusOf(error, path), null, TimeSpan.Zero) { Cause = error as CacheClientException };
        }
    }

    private ReadStatus StatusOf(Exception error, string path)
    {
        if (error is ClusterUnreachableException)
        {
            LogUnreachable(path, error.Message);
            return error.InnerException is null ? ReadStatus.DeadlineExceeded : ReadStatus.Unavailable;
        }

        LogRemoteFailure(error, path);
        return ReadStatus.Unavailable;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Path}: {Error}")]
    private partial void LogUnreachable(string path, string error);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Path}: the grain failed in a way it should not")]
    private partial void LogRemoteFailure(Exception error, string path);
}
