using OrleansCache.Files;

namespace OrleansCache.UnderStorage.Faulty;

/// <summary>A listing that waits, fails or breaks off as its storage was told to.</summary>
internal sealed class FaultyListing(
    IListing inner, Func<CancellationToken, ValueTask<ReadStatus>> trouble, int? breaksAfter,
    Func<UnderStorageEntry, UnderStorageEntry> shift) : IListing
{
    private int _left = breaksAfter ?? int.MaxValue;

    /// <inheritdoc/>
    public async ValueTask<ListBatch> NextAsync(CancellationToken cancellationToken)
    {
        var status = await trouble(cancellationToken).ConfigureAwait(false);
        if (status != ReadStatus.Ok)
        {
            return ListBatch.Failed(status);
        }

        var batch = await inner.NextAsync(cancellationToken).ConfigureAwait(false);
        if (batch.Entries.Count > _left)
        {
            return ListBatch.Failed(ReadStatus.Unavailable);
        }

        _left -= batch.Entries.Count;
        return batch with { Entries = [.. batch.Entries.Select(shift)] };
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
