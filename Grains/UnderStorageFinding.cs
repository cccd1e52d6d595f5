using OrleansCache.Files;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains;

/// <summary>An under storage, or why there is none.</summary>
internal readonly record struct FoundStorage(ReadStatus Status, IUnderStorage? Storage);

/// <summary>Finding an under storage with a status instead of an exception: readers expect servers to be down.</summary>
internal static class UnderStorageFinding
{
    /// <summary>The open source of this id; StaleVersion when it is not attached any more.</summary>
    public static async ValueTask<FoundStorage> TryFindAsync(
        this IUnderStorageCatalog catalog, SourceId source, CancellationToken cancellationToken)
    {
        try
        {
            var storage = await catalog.FindAsync(source, cancellationToken);
            return new FoundStorage(storage is null ? ReadStatus.StaleVersion : ReadStatus.Ok, storage);
        }
        catch (CacheRequestException refused)
        {
            return new FoundStorage(
                refused.Error == RequestError.AccessDenied ? ReadStatus.AccessDenied : ReadStatus.Unavailable, null);
        }
    }
}
