using System.Collections.Immutable;
using OrleansCache.Namespaces;

namespace OrleansCache.Metadata;

/// <summary>The part that hears of changes before leases end.</summary>
internal sealed partial class NamespaceView
{
    /// <inheritdoc/>
    public event Action<ImmutableArray<NamespaceChange>>? Changed;

    /// <summary>Sources whose changes are listened to, for tests and metrics.</summary>
    public int Feeds => _feed.Count;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _feed.DisposeAsync();

    /// <summary>Forgets a path and everything below: this process asked for a sync.</summary>
    public void Forget(string path) => Forget([NamespaceChange.Below(path)]);

    private void OnBatch(SourceInfo source, ChangeBatch batch)
    {
        if (batch.IsGap)
        {
            Forget([NamespaceChange.Below(source.Path)]);
        }
        else if (!batch.Changes.IsDefaultOrEmpty)
        {
            Forget([.. batch.Changes.Select(change => new NamespaceChange(
                change.DirectoryPath.Length == 0 ? source.Path : NamespacePath.Combine(source.Path, change.DirectoryPath),
                change.Names.IsDefault ? [] : change.Names,
                change.IsSubtree))]);
        }
    }

    // Ours first: who hears of a change and asks must not get what was before.
    private void Forget(ImmutableArray<NamespaceChange> changes)
    {
        foreach (var change in changes)
        {
            _cache.Forget(change);
        }

        Changed?.Invoke(changes);
    }

    /// <summary>Begins a question: a source whose answers are leased is listened to from before the first of them.</summary>
    private void OnAsking(NodeEntry directory)
    {
        if (_followsChanges && directory.Source is { } source && source.Options.RuleIn(directory.SourcePath) != SyncRule.Always)
        {
            _feed.Touch(source, default);
        }
    }

    private void OnLeased(NodeEntry directory, Lease lease)
    {
        if (_followsChanges && directory.Source is { } source)
        {
            _feed.Touch(source, lease);
        }
    }
}
