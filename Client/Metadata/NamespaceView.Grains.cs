using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.Metadata;

/// <summary>The part that asks grains.</summary>
internal sealed partial class NamespaceView
{
    /// <inheritdoc/>
    public async ValueTask<ListOutcome> ListAsync(NodeEntry directory, string? after, CancellationToken cancellationToken)
    {
        if (directory.Kind != FileKind.Directory)
        {
            return NoPage(ReadStatus.NotADirectory);
        }

        try
        {
            var (tree, validFor) = await _sources.GetAsync(cancellationToken).ConfigureAwait(false);
            if (directory.Source is null)
            {
                return ListVirtual(tree, directory, after, validFor);
            }

            if (!tree.Has(directory.Source))
            {
                return NoPage(ReadStatus.StaleVersion);
            }

            if (_cache.TryGetPage(directory, after, out var page))
            {
                return page;
            }

            var id = directory.Entry.Metadata.Id;
            var answer = await _lists.Run((directory.Path, id, after), () => AskPageAsync(directory, after), out var joined)
                .WaitAsync(cancellationToken).ConfigureAwait(false);
            if (joined && !(answer.IsLeased && _cache.IsListing(directory.Path, answer.Stamp)))
            {
                answer = await AskPageAsync(directory, after).WaitAsync(cancellationToken).ConfigureAwait(false);
            }

            return answer.Page with { ValidFor = answer.Lease.Remaining(_time) };
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return NoPage(StatusOf(error, directory.Path)) with { Cause = error as CacheClientException };
        }
    }

    /// <summary>
    /// A file as the under storage has it now: the file grain asks, past every cache. A name that became another file in the
    /// meantime is looked up again.
    /// </summary>
    public ValueTask<NodeOutcome> RevalidateAsync(NodeEntry file, CancellationToken cancellationToken) => AskAsync(
        file.Path,
        static async (view, node, token) =>
        {
            var source = node.Source!.Id;
            var status = await view._caller.AskAsync(
                node.Path,
                asking => view._grains.GetGrain<IFileGrain>($"{source}/{node.Entry.Metadata.Id}")
                    .Revalidate(source, node.SourcePath, asking),
                token).ConfigureAwait(false);
            return status switch
            {
                { Status: ReadStatus.Ok, Entry: { } entry } =>
                    new NodeOutcome(ReadStatus.Ok, node with { Entry = entry with { Name = node.Entry.Name } }, TimeSpan.Zero),
                { Status: ReadStatus.StaleVersion } => await view.RefreshSlowAsync(node, past: true, token).ConfigureAwait(false),
                _ => new NodeOutcome(status.Status, null, TimeSpan.Zero),
            };
        },
        file,
        cancellationToken);

    private static ListOutcome NoPage(ReadStatus status) => new(status, [], null, TimeSpan.Zero);

    private static ListOutcome ListVirtual(SourceTree tree, NodeEntry directory, string? after, TimeSpan validFor)
    {
        if (tree.Find(directory.Path) is null)
        {
            return NoPage(ReadStatus.StaleVersion);
        }

        var children = tree.ChildrenOf(directory.Path);
        var nodes = after is null
            ? children
            : [.. children.Where(node => string.CompareOrdinal(node.Entry.Name, after) > 0)];
        return new ListOutcome(ReadStatus.Ok, nodes, null, validFor);
    }

    private async ValueTask<NodeOutcome> LookupSlowAsync(
        NodeEntry directory, string path, bool past, CancellationToken cancellationToken)
    {
        var (tree, treeValidFor) = await _sources.GetAsync(cancellationToken).ConfigureAwait(false);
        if ((!past || directory.Source is null) && TryLookupLive(tree, treeValidFor, directory, path, out var live))
        {
            return live;
        }

        Answer answer;
        if (past)
        {
            answer = await AskNameAsync(directory, path).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        else
        {
            answer = await _lookups.Run((path, directory.Entry.Metadata.Id), () => AskNameAsync(directory, path), out var joined)
                .WaitAsync(cancellationToken).ConfigureAwait(false);
            if (joined && !(answer.IsLeased && _cache.IsAnswer(path, answer.Stamp)))
            {
                answer = await AskNameAsync(directory, path).WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        return new NodeOutcome(answer.Status, answer.Node, answer.Lease.Remaining(_time));
    }

    private async ValueTask<NodeOutcome> RefreshSlowAsync(NodeEntry node, bool past, CancellationToken cancellationToken)
    {
        var (tree, treeValidFor) = await _sources.GetAsync(cancellationToken).ConfigureAwait(false);
        if (node.Source is null || node.SourcePath.Length == 0)
        {
            return OfPlace(tree.Find(node.Path), treeValidFor);
        }

        if (!tree.Has(node.Source))
        {
            return new NodeOutcome(ReadStatus.NotFound, null, TimeSpan.Zero);
        }

        // The directory as last seen: its grain says when it is another one by now, then we walk from the root.
        if (_cache.ParentOf(node.Path) is { } known)
        {
            var outcome = await LookupSlowAsync(known, node.Path, past, cancellationToken).ConfigureAwait(false);
            if (outcome.Status != ReadStatus.StaleVersion)
            {
                return outcome;
            }
        }

        var parent = await WalkAsync(NamespacePath.ParentOf(node.Path), cancellationToken).ConfigureAwait(false);
        return parent.Node is { Kind: FileKind.Directory } directory
            ? await LookupSlowAsync(directory, node.Path, past, cancellationToken).ConfigureAwait(false)
            : new NodeOutcome(
                parent.Status is ReadStatus.Ok or ReadStatus.StaleVersion ? ReadStatus.NotFound : parent.Status,
                null, TimeSpan.Zero);
    }

    private ValueTask<NodeOutcome> ParentOfAsync(NodeEntry node, CancellationToken cancellationToken) =>
        _cache.ParentOf(node.Path) is { } known
            ? new(new NodeOutcome(ReadStatus.Ok, known, TimeSpan.Zero))
            : WalkAsync(NamespacePath.ParentOf(node.Path), cancellationToken);

    // Links are not followed: a path of the namespace that goes through one is the caller's business.
    private async ValueTask<NodeOutcome> WalkAsync(string path, CancellationToken cancellationToken)
    {
        var outcome = await GetRootAsync(cancellationToken).ConfigureAwait(false);
        foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (outcome.Node is null)
            {
                break;
            }

            outcome = await LookupAsync(outcome.Node, name, cancellationToken).ConfigureAwait(false);
        }

        return outcome;
    }

    private async Task<Answer> AskNameAsync(NodeEntry directory, string path)
    {
        var reference = ReferenceTo(directory);
        var name = NamespacePath.NameOf(path);
        var (asked, stamp) = (0L, 0L);
        OnAsking(directory);
        var result = await _caller.AskAsync(
            path,
            token =>
            {
                (asked, stamp) = (_time.GetTimestamp(), _cache.Stamp);
                return _grains.GetGrain<IDirectoryGrain>(reference.GrainKey).Lookup(reference, name, token);
            },
            CancellationToken.None).ConfigureAwait(false);
        var lease = Lease.From(_time, asked, result.Lease);
        var node = result is { Status: ReadStatus.Ok, Entry: { } entry } ? MakeNode(directory, entry) : null;
        var isLeased = result.Lease > TimeSpan.Zero;
        switch (result.Status)
        {
            case ReadStatus.Ok or ReadStatus.NotFound:
                isLeased &= _cache.PutName(path, directory, node, lease, stamp);
                break;
            case ReadStatus.StaleVersion:
                _cache.Forget(directory);
                break;
        }

        if (isLeased)
        {
            OnLeased(directory, lease);
        }

        return new Answer(result.Status, node, isLeased ? lease : default, isLeased, stamp);
    }

    private async Task<PageAnswer> AskPageAsync(NodeEntry directory, string? after)
    {
        var reference = ReferenceTo(directory);
        var (asked, stamp) = (0L, 0L);
        OnAsking(directory);
        var result = await _caller.AskAsync(
            directory.Path,
            token =>
            {
                (asked, stamp) = (_time.GetTimestamp(), _cache.Stamp);
                return _grains.GetGrain<IDirectoryGrain>(reference.GrainKey).List(reference, after, token);
            },
            CancellationToken.None).ConfigureAwait(false);
        if (result.Status != ReadStatus.Ok)
        {
            if (result.Status == ReadStatus.StaleVersion)
            {
                _cache.Forget(directory);
            }

            return new PageAnswer(NoPage(result.Status), default, false, stamp);
        }

        var lease = Lease.From(_time, asked, result.Lease);
        var nodes = new NodeEntry[result.Entries.Length];
        for (var i = 0; i < nodes.Length; i++)
        {
            nodes[i] = MakeNode(directory, result.Entries[i]);
        }

        var page = new ListOutcome(ReadStatus.Ok, nodes, result.Next, TimeSpan.Zero)
        {
            Unreachable = result.Unreachable.IsDefaultOrEmpty ? [] : result.Unreachable,
        };
        var isLeased = result.Lease > TimeSpan.Zero
            && _cache.PutPage(directory, after, page, nodes, result.ListingVersion, lease, stamp);
        if (isLeased)
        {
            OnLeased(directory, lease);
        }

        return new PageAnswer(page, isLeased ? lease : default, isLeased, stamp);
    }

    private static NodeEntry MakeNode(NodeEntry directory, FileEntry entry) => new(
        NamespacePath.Combine(directory.Path, entry.Name),
        directory.Source,
        directory.SourcePath.Length == 0 ? entry.Name : string.Concat(directory.SourcePath, "/", entry.Name),
        entry);

    private sealed record Answer(ReadStatus Status, NodeEntry? Node, Lease Lease, bool IsLeased, long Stamp);

    private sealed record PageAnswer(ListOutcome Page, Lease Lease, bool IsLeased, long Stamp);
}
