using OrleansCache.Files;

namespace OrleansCache.UnderStorage.Directories;

/// <summary>A listing of a directory: unordered, and not to be resumed by another process.</summary>
internal sealed class DirectoryListing(Func<Action<IReadOnlyList<UnderStorageEntry>>, CancellationToken, ValueTask<ReadStatus>> list)
    : IListing
{
    private readonly Queue<IReadOnlyList<UnderStorageEntry>> _batches = new();
    private bool _isListed;

    /// <inheritdoc/>
    public async ValueTask<ListBatch> NextAsync(CancellationToken cancellationToken)
    {
        if (!_isListed)
        {
            _isListed = true;
            var status = await list(batch => _batches.Enqueue([.. batch]), cancellationToken).ConfigureAwait(false);
            if (status != ReadStatus.Ok)
            {
                _batches.Clear();
                return ListBatch.Failed(status);
            }
        }

        IReadOnlyList<UnderStorageEntry> entries = _batches.TryDequeue(out var next) ? next : [];
        return new ListBatch(ReadStatus.Ok, entries, _batches.Count == 0, null);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
