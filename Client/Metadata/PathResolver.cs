using OrleansCache.Files;

namespace OrleansCache.Metadata;

/// <summary>Finds a place by its path, following links inside the namespace. The mount does not need it: the kernel resolves.</summary>
internal sealed class PathResolver(INamespaceView names)
{
    // Linux follows 40 links in one resolution.
    private const int MaxLinks = 40;

    /// <summary>The place at a normalized path.</summary>
    /// <param name="path">From <see cref="NamespacePath.TryNormalize"/>.</param>
    /// <param name="followLast">Whether a link at the end is followed, too.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>NotFound too for a link that leaves the namespace, InvalidRequest for a loop.</returns>
    public async ValueTask<NodeOutcome> ResolveAsync(string path, bool followLast, CancellationToken cancellationToken)
    {
        for (var links = 0; links <= MaxLinks; links++)
        {
            var (outcome, rest) = await WalkAsync(path, followLast, cancellationToken).ConfigureAwait(false);
            if (outcome.Node is not { Kind: FileKind.Symlink } link || (rest.Length == 0 && !followLast))
            {
                return outcome;
            }

            var target = await names.ReadLinkAsync(link, cancellationToken).ConfigureAwait(false);
            if (target.Status != ReadStatus.Ok)
            {
                return new NodeOutcome(target.Status, null, TimeSpan.Zero) { Cause = target.Cause };
            }

            // An absolute target speaks of the machine the data came from, not of this namespace.
            if (target.Target.StartsWith('/')
                || !NamespacePath.TryNormalize($"{NamespacePath.ParentOf(link.Path)}/{target.Target}/{rest}", out path))
            {
                return new NodeOutcome(ReadStatus.NotFound, null, TimeSpan.Zero);
            }
        }

        return new NodeOutcome(ReadStatus.InvalidRequest, null, TimeSpan.Zero);
    }

    /// <summary>Walks to the end or to the first link that must be followed; the rest is what lies beyond that link.</summary>
    private async ValueTask<(NodeOutcome Outcome, string Beyond)> WalkAsync(
        string path, bool followLast, CancellationToken cancellationToken)
    {
        var steps = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var outcome = await names.GetRootAsync(cancellationToken).ConfigureAwait(false);
        for (var i = 0; i < steps.Length && outcome.Node is { } directory; i++)
        {
            outcome = await names.LookupAsync(directory, steps[i], cancellationToken).ConfigureAwait(false);
            var isLast = i == steps.Length - 1;
            if (outcome.Node is { Kind: FileKind.Symlink } && (followLast || !isLast))
            {
                return (outcome, string.Join('/', steps[(i + 1)..]));
            }
        }

        return (outcome, string.Empty);
    }
}
