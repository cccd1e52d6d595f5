using OrleansCache.Files;

namespace OrleansCache.UnderStorage.Tests;

/// <summary>Listings from beginning to end.</summary>
internal static class Listings
{
    /// <summary>Lists a whole directory; gives every batch away.</summary>
    public static async Task<ReadStatus> ListAsync(
        this IUnderStorage storage, string path, Action<IReadOnlyList<UnderStorageEntry>> sink, CancellationToken cancellationToken)
    {
        await using var listing = storage.List(path, null);
        ListBatch batch;
        do
        {
            batch = await listing.NextAsync(cancellationToken);
            sink(batch.Entries);
        }
        while (!batch.IsLast);

        return batch.Status;
    }
}
