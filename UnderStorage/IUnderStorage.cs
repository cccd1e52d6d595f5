using OrleansCache.Files;

namespace OrleansCache.UnderStorage;

/// <summary>
/// One attached under storage, for reading. Paths are inside the source, without leading slash, in the mapping of
/// <see cref="EntryName"/>; empty = the root. Implementations never leave their root, are thread-safe, and do blocking
/// I/O on threads of their own so that a stuck network file system starves nobody. Expected failures are statuses.
/// </summary>
public interface IUnderStorage : IAsyncDisposable
{
    /// <summary>The source's id.</summary>
    SourceId Source { get; }

    /// <summary>Attributes of one path; links are not followed.</summary>
    /// <returns>Ok, NotFound, AccessDenied, Unavailable or DeadlineExceeded.</returns>
    ValueTask<StatOutcome> StatAsync(string path, CancellationToken cancellationToken);

    /// <summary>All entries of a directory, unordered, streamed in batches to <paramref name="sink"/>.</summary>
    /// <param name="path">The directory.</param>
    /// <param name="sink">Gets each batch, one at a time, on a thread of the implementation.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <returns>Ok, NotFound, NotADirectory, AccessDenied or Unavailable; after anything but Ok the batches seen are incomplete.</returns>
    ValueTask<ReadStatus> ListAsync(
        string path, Action<IReadOnlyList<UnderStorageEntry>> sink, CancellationToken cancellationToken);

    /// <summary>
    /// Reads a range of one version. Ok means that every byte is proven to belong to exactly that version; a version too young
    /// to be proven (DESIGN §5) is waited for inside the call.
    /// </summary>
    /// <param name="path">Where the file was last seen.</param>
    /// <param name="file">Identity expected there.</param>
    /// <param name="version">Version expected there.</param>
    /// <param name="offsetBytes">Offset; offset + destination length must lie inside the version.</param>
    /// <param name="destination">Filled wholly when Ok; undefined otherwise.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Ok, StaleVersion, NotFound, AccessDenied, Unavailable, DeadlineExceeded.</returns>
    ValueTask<ReadStatus> ReadAsync(
        string path, FileId file, FileVersion version, long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>Target of a symbolic link, in the mapping of <see cref="EntryName"/>.</summary>
    ValueTask<LinkOutcome> ReadLinkAsync(string path, CancellationToken cancellationToken);
}
