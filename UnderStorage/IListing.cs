using OrleansCache.Files;

namespace OrleansCache.UnderStorage;

/// <summary>
/// A listing of one directory under way: whoever reads it decides how fast it goes. One caller at a time; dispose it to end it.
/// </summary>
public interface IListing : IAsyncDisposable
{
    /// <summary>
    /// The next entries: for a store that lists by pages, one request. It may have been made ahead, but not before the call before
    /// this one began: that is how old an answer may be.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait with <see cref="ReadStatus.DeadlineExceeded"/>.</param>
    ValueTask<ListBatch> NextAsync(CancellationToken cancellationToken);
}
