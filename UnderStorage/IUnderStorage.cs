using System.Collections.Immutable;
using OrleansCache.Files;
using OrleansCache.Namespaces;

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

    /// <summary>
    /// Whether <see cref="List"/> gives entries by ascending <see cref="UnderStorageEntry.PositionInDirectory"/> and can resume.
    /// What has arrived is then a complete beginning of the directory.
    /// </summary>
    bool ListsInOrder { get; }

    /// <summary>
    /// Most bytes a piece of <see cref="StreamAsync"/> should have. 256 KiB: the first byte is not kept waiting for many
    /// others, and a piece still costs little beside its bytes. More where each piece is a request of its own.
    /// </summary>
    int PieceBytesMax => 256 * 1024;

    /// <summary>
    /// Whether a directory's identity follows from its path alone, as in a store that has no directories: another directory never
    /// takes its place, so nobody need ask whether one did.
    /// </summary>
    bool DirectoryIdsFollowPaths => false;

    /// <summary>
    /// Looks, at attach, what this store can do that not every one can. Leaves nothing behind, also when it fails half-way.
    /// </summary>
    /// <returns>Facts for people; a fact that could not be found out says so.</returns>
    ValueTask<ImmutableArray<SourceFact>> ProbeAsync(CancellationToken cancellationToken);

    /// <summary>Attributes of one path; links are not followed.</summary>
    /// <returns>Ok, NotFound, AccessDenied, Unavailable or DeadlineExceeded.</returns>
    ValueTask<StatOutcome> StatAsync(string path, CancellationToken cancellationToken);

    /// <summary>Begins a listing of a directory; nothing is asked before the first <see cref="IListing.NextAsync"/>.</summary>
    /// <param name="path">The directory.</param>
    /// <param name="resumeAt">Null = from the start; else <see cref="ListBatch.ResumeAt"/> of an earlier listing of it.</param>
    IListing List(string path, string? resumeAt);

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

    /// <summary>
    /// Reads a range of one version and gives each proven piece away as it arrives (cut-through). A store that can send the whole
    /// range as one answer is asked once.
    /// </summary>
    /// <param name="path">Where the file was last seen.</param>
    /// <param name="file">Identity expected there.</param>
    /// <param name="version">Version expected there.</param>
    /// <param name="offsetBytes">Offset; offset + length must lie inside the version.</param>
    /// <param name="lengthBytes">Length of the range.</param>
    /// <param name="buffer">Room for the piece under way: pieces are at most as long.</param>
    /// <param name="sink">Gets the pieces.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>As <see cref="ReadAsync"/>; after anything but Ok the pieces given are right but not all.</returns>
    ValueTask<ReadStatus> StreamAsync(
        string path, FileId file, FileVersion version, long offsetBytes, long lengthBytes, Memory<byte> buffer, IPieceSink sink,
        CancellationToken cancellationToken);

    /// <summary>Target of a symbolic link, in the mapping of <see cref="EntryName"/>.</summary>
    ValueTask<LinkOutcome> ReadLinkAsync(string path, CancellationToken cancellationToken);
}
