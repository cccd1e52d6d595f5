using System.Collections.Immutable;
using OrleansCache.Files;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Listings;

/// <summary>
/// Keeps directories as they were listed, across restarts and without holding them in memory. A cache: it may forget anything at any
/// time, and whoever finds his listing gone begins anew. Thread-safe; reads do not wait for writes.
/// <para>
/// A listing is cut in <see cref="ListingSegment"/>s. Invariant: each entry of a segment is as true as an answer to a question
/// asked at the segment's time, or later, and no other entry was there.
/// </para>
/// </summary>
/// <remarks>All members throw <see cref="ListingStoreException"/> when the store cannot be used.</remarks>
public interface IListingStore
{
    /// <summary>What is kept of a directory; null = nothing, also when another directory was at that path.</summary>
    ValueTask<StoredListing?> OpenAsync(DirectoryRef directory, CancellationToken cancellationToken);

    /// <summary>The entry of a name.</summary>
    ValueTask<StoredEntry> FindAsync(long listing, string name, CancellationToken cancellationToken);

    /// <summary>Entries by ascending position.</summary>
    /// <param name="listing">The listing.</param>
    /// <param name="after">Positions after this one.</param>
    /// <param name="upTo">Positions up to this one; null = to the end.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Null when the listing is gone.</returns>
    ValueTask<StoredPage?> ReadAsync(long listing, string after, string? upTo, int limit, CancellationToken cancellationToken);

    /// <summary>Takes a part of a listing, wholly or not at all.</summary>
    ValueTask<WrittenPart> WriteAsync(ListingPart part, CancellationToken cancellationToken);

    /// <summary>Takes what a single question said of a name; <see cref="WrittenPart.Listing"/> is 0 when the listing is gone.</summary>
    ValueTask<WrittenPart> LearnAsync(long listing, string name, FileMetadata? metadata, CancellationToken cancellationToken);

    /// <summary>Listings of a source at a path, above it by one and below it count only if they are asked for after a moment.</summary>
    ValueTask RaiseFloorAsync(SourceId source, string path, DateTimeOffset floor, CancellationToken cancellationToken);

    /// <summary>Forgets all of a source.</summary>
    ValueTask DropAsync(SourceId source, CancellationToken cancellationToken);
}

/// <summary>The listing store cannot be used: its disk is full or failing. The message says what to do.</summary>
public sealed class ListingStoreException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What is kept of a directory.</summary>
/// <param name="Id">Names the listing; never used for another one.</param>
/// <param name="Version">Grows with every change.</param>
/// <param name="FloorUtc">What was asked for at or before this moment counts no more.</param>
/// <param name="Segments">From the beginning, in order, without gaps.</param>
public sealed record StoredListing(long Id, long Version, DateTimeOffset FloorUtc, ImmutableArray<ListingSegment> Segments);

/// <summary>A piece of a directory: from after its start up to the start of the next.</summary>
/// <param name="Start">Position after which it begins; empty = the directory's beginning.</param>
/// <param name="ResumeAt">What lists from there on; null = only by listing on from an earlier segment (or: the beginning).</param>
/// <param name="AskedUtc">From before the under storage was asked; null = it never was, what is kept of it means nothing.</param>
/// <param name="Unreachable">Some of the keys found there that no path can name.</param>
public sealed record ListingSegment(string Start, string? ResumeAt, DateTimeOffset? AskedUtc, ImmutableArray<string> Unreachable);

/// <summary>What is kept of a name.</summary>
/// <param name="IsGone">The listing is gone.</param>
/// <param name="Entry">The entry; null = none of this name.</param>
public readonly record struct StoredEntry(bool IsGone, UnderStorageEntry? Entry);

/// <summary>Entries in order.</summary>
/// <param name="Entries">The entries.</param>
/// <param name="Version">Version of the listing.</param>
public sealed record StoredPage(IReadOnlyList<UnderStorageEntry> Entries, long Version);

/// <summary>A part of a listing as the under storage gave it.</summary>
public sealed record ListingPart
{
    /// <summary>The directory.</summary>
    public required DirectoryRef Directory { get; init; }

    /// <summary>Its listing; 0 = begin a new one.</summary>
    public required long Listing { get; init; }

    /// <summary>The entries, in any order.</summary>
    public required IReadOnlyList<UnderStorageEntry> Entries { get; init; }

    /// <summary>The entries are all there are after this position.</summary>
    public required string From { get; init; }

    /// <summary>... up to this one; null = to the end.</summary>
    public string? To { get; init; }

    /// <summary>
    /// For under storages without order: number of the run, the same for all its parts. Then a part says nothing of what is not in
    /// it; what no part of the run had is removed by the one that <see cref="EndsRun"/>. 0 = the parts are in order.
    /// </summary>
    public long Run { get; init; }

    /// <summary>Last part of its run.</summary>
    public bool EndsRun { get; init; }

    /// <summary>The segments that start at <see cref="From"/> or later, up to <see cref="To"/>, become these.</summary>
    public required ImmutableArray<ListingSegment> Segments { get; init; }

    /// <summary>Whether that piece was known before: only then what differs is a change and makes a new version.</summary>
    public bool WasKnown { get; init; }

    /// <summary>A segment elsewhere that became one with the next.</summary>
    public ListingSegment? Joined { get; init; }

    /// <summary>Start of that next one, which is no more.</summary>
    public string? JoinedStart { get; init; }
}

/// <summary>What a part changed.</summary>
/// <param name="Listing">The listing; 0 = it is gone, nothing was taken.</param>
/// <param name="Version">Its version now.</param>
/// <param name="Changed">Names that came, went or changed; the first <see cref="PathChange.MaxNames"/> + 1 of them if there are more.</param>
public sealed record WrittenPart(long Listing, long Version, ImmutableArray<string> Changed);
