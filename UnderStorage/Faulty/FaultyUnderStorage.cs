using System.Collections.Immutable;
using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.UnderStorage.Faulty;

/// <summary>
/// For tests: another under storage with trouble on command. Counts calls; can hold them (a hung server), fail them, end listings
/// early, and report a changed version. Settings may change at any time and count for calls that begin afterwards.
/// </summary>
/// <param name="inner">The storage that does the work.</param>
public sealed class FaultyUnderStorage(IUnderStorage inner) : IUnderStorage
{
    private int _stats;
    private int _lists;
    private int _reads;
    private int _links;
    private long _readBytes;

    /// <inheritdoc/>
    public SourceId Source => inner.Source;

    /// <summary>Calls of <see cref="StatAsync"/>.</summary>
    public int Stats => Volatile.Read(ref _stats);

    /// <summary>Calls of <see cref="List"/>.</summary>
    public int Lists => Volatile.Read(ref _lists);

    /// <summary>Calls of <see cref="ReadAsync"/>.</summary>
    public int Reads => Volatile.Read(ref _reads);

    /// <summary>Calls of <see cref="ReadLinkAsync"/>.</summary>
    public int Links => Volatile.Read(ref _links);

    /// <summary>Bytes read with success.</summary>
    public long ReadBytes => Interlocked.Read(ref _readBytes);

    /// <summary>Every call waits for this task; null = no waiting. A task that never ends is a hung server.</summary>
    public Task? Hold { get; set; }

    /// <summary>Every call fails with this; Ok = none.</summary>
    public ReadStatus FailWith { get; set; } = ReadStatus.Ok;

    /// <summary>Reads of ranges that end beyond this offset fail as stale, as a truncated file's do; null = none.</summary>
    public long? TruncateAt { get; set; }

    /// <summary>Listings give at most this many entries, then end as Unavailable; null = all.</summary>
    public int? ListingBreaksAfter { get; set; }

    /// <summary>Added to mtime and ctime of everything reported; reads of unshifted versions are stale. Zero = none.</summary>
    public long VersionShiftNs { get; set; }

    /// <inheritdoc/>
    public async ValueTask<StatOutcome> StatAsync(string path, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _stats);
        var trouble = await TroubleAsync(cancellationToken).ConfigureAwait(false);
        if (trouble != ReadStatus.Ok)
        {
            return new StatOutcome(trouble, default);
        }

        var outcome = await inner.StatAsync(path, cancellationToken).ConfigureAwait(false);
        return outcome with { Metadata = Shift(outcome.Metadata) };
    }

    /// <inheritdoc/>
    public bool ListsInOrder => inner.ListsInOrder;

    /// <inheritdoc/>
    public int PieceBytesMax => inner.PieceBytesMax;

    /// <inheritdoc/>
    public bool DirectoryIdsFollowPaths => inner.DirectoryIdsFollowPaths;

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<SourceFact>> ProbeAsync(CancellationToken cancellationToken) =>
        inner.ProbeAsync(cancellationToken);

    /// <inheritdoc/>
    public IListing List(string path, string? resumeAt)
    {
        Interlocked.Increment(ref _lists);
        return new FaultyListing(
            inner.List(path, resumeAt), TroubleAsync, ListingBreaksAfter, entry => entry with { Metadata = Shift(entry.Metadata) });
    }

    /// <inheritdoc/>
    public async ValueTask<ReadStatus> ReadAsync(
        string path, FileId file, FileVersion version, long offsetBytes, Memory<byte> destination,
        CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _reads);
        var trouble = await TroubleAsync(cancellationToken).ConfigureAwait(false);
        if (trouble != ReadStatus.Ok)
        {
            return trouble;
        }

        if (TruncateAt is { } end && offsetBytes + destination.Length > end)
        {
            return ReadStatus.StaleVersion;
        }

        var asked = version with
        {
            ModifiedNs = version.ModifiedNs - VersionShiftNs,
            ChangedNs = version.ChangedNs - VersionShiftNs,
        };
        var status = await inner.ReadAsync(path, file, asked, offsetBytes, destination, cancellationToken).ConfigureAwait(false);
        if (status == ReadStatus.Ok)
        {
            Interlocked.Add(ref _readBytes, destination.Length);
        }

        return status;
    }

    /// <inheritdoc/>
    public ValueTask<ReadStatus> StreamAsync(
        string path, FileId file, FileVersion version, long offsetBytes, long lengthBytes, Memory<byte> buffer, IPieceSink sink,
        CancellationToken cancellationToken) =>
        this.StreamByPiecesAsync(path, file, version, offsetBytes, lengthBytes, buffer, sink, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<LinkOutcome> ReadLinkAsync(string path, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _links);
        var trouble = await TroubleAsync(cancellationToken).ConfigureAwait(false);
        return trouble == ReadStatus.Ok
            ? await inner.ReadLinkAsync(path, cancellationToken).ConfigureAwait(false)
            : new LinkOutcome(trouble, "");
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private async ValueTask<ReadStatus> TroubleAsync(CancellationToken cancellationToken)
    {
        if (Hold is { } hold)
        {
            try
            {
                await hold.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return ReadStatus.DeadlineExceeded;
            }
        }

        return FailWith;
    }

    private FileMetadata Shift(FileMetadata metadata) => metadata with
    {
        Version = metadata.Version with
        {
            ModifiedNs = metadata.Version.ModifiedNs + VersionShiftNs,
            ChangedNs = metadata.Version.ChangedNs + VersionShiftNs,
        },
    };
}
