using OrleansCache.Files;
using OrleansCache.Grains.Listings;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Tests;

/// <summary>The listing store as simply as it can be said: the model of the real one, and fast enough for tests of what uses it.</summary>
internal sealed class MemoryListingStore : IListingStore
{
    private sealed class Listing
    {
        public required DirectoryRef Directory { get; init; }

        public long Version { get; set; } = 1;

        public DateTimeOffset FloorUtc { get; set; }

        public SortedList<string, ListingSegment> Segments { get; } = new(PositionOrder.Instance);

        public SortedDictionary<string, (UnderStorageEntry Entry, long Run)> Entries { get; } = new(PositionOrder.Instance);
    }

    private readonly Lock _gate = new();
    private readonly Dictionary<long, Listing> _listings = [];
    private long _ids;
    private DateTimeOffset _lastFloor;

    /// <summary>Every call fails with this.</summary>
    public string? FailWith { get; set; }

    /// <summary>Parts are written when this ends.</summary>
    public Task HoldWrites { get; set; } = Task.CompletedTask;

    /// <summary>Nothing asked for before is under way any more.</summary>
    public void Restart() => _lastFloor = default;

    public ValueTask<StoredListing?> OpenAsync(DirectoryRef directory, CancellationToken cancellationToken) => Run(() =>
        _listings.FirstOrDefault(one => one.Value.Directory == directory) is { Value: { } listing } found
            ? new StoredListing(found.Key, listing.Version, listing.FloorUtc, [.. listing.Segments.Values]) : null);

    public ValueTask<StoredEntry> FindAsync(long listing, string name, CancellationToken cancellationToken) => Run(() =>
        !_listings.TryGetValue(listing, out var kept) ? new StoredEntry(true, null)
        : kept.Entries.TryGetValue(name, out var own) && own.Entry.Name == name ? new StoredEntry(false, own.Entry)
        : kept.Entries.TryGetValue(name + "/", out var below) && below.Entry.Name == name ? new StoredEntry(false, below.Entry)
        : !name.Contains('%', StringComparison.Ordinal) ? new StoredEntry(false, null) // only such names stand elsewhere in tests
        : kept.Entries.Values.Where(one => one.Entry.Name == name).Select(one => new StoredEntry(false, one.Entry)).FirstOrDefault());

    public ValueTask<StoredPage?> ReadAsync(long listing, string after, string? upTo, int limit, CancellationToken cancellationToken) =>
        Run(() => !_listings.TryGetValue(listing, out var kept) ? null
            : new StoredPage([.. kept.Entries.Where(one => IsIn(one.Key, after, upTo)).Take(limit).Select(one => one.Value.Entry)], kept.Version));

    public async ValueTask<WrittenPart> WriteAsync(ListingPart part, CancellationToken cancellationToken)
    {
        await HoldWrites.WaitAsync(cancellationToken);
        return await Write(part);
    }

    private ValueTask<WrittenPart> Write(ListingPart part) => Run(() =>
    {
        if (part.Listing != 0 && !_listings.ContainsKey(part.Listing))
        {
            return new WrittenPart(0, 0, []);
        }

        var id = part.Listing;
        if (id == 0)
        {
            Remove(listing => listing.Directory.Source == part.Directory.Source && listing.Directory.Path == part.Directory.Path);
            _listings[id = ++_ids] = new Listing { Directory = part.Directory, FloorUtc = _lastFloor };
        }

        var kept = _listings[id];
        var changed = new List<string>();
        var there = part.Entries.Select(entry => entry.PositionInDirectory).ToHashSet();
        foreach (var gone in kept.Entries.Where(one => !there.Contains(one.Key)
            && (part.Run == 0 ? IsIn(one.Key, part.From, part.To) : part.EndsRun && one.Value.Run != part.Run)).ToList())
        {
            kept.Entries.Remove(gone.Key);
            changed.Add(gone.Value.Entry.Name);
        }

        foreach (var entry in part.Entries)
        {
            var isSame = kept.Entries.TryGetValue(entry.PositionInDirectory, out var before) && before.Entry.Name == entry.Name
                && Attributes.LookTheSame(before.Entry.Metadata, entry.Metadata);
            if (!isSame)
            {
                changed.Add(entry.Name);
            }

            kept.Entries[entry.PositionInDirectory] = (isSame ? before.Entry : entry with { Position = PositionOf(entry) }, part.Run);
        }

        ReplaceSegments(kept, part);
        return Changed(id, kept, changed, part.WasKnown);
    });

    public ValueTask<WrittenPart> LearnAsync(long listing, string name, FileMetadata? metadata, CancellationToken cancellationToken) =>
        Run(() =>
        {
            if (!_listings.TryGetValue(listing, out var kept))
            {
                return new WrittenPart(0, 0, []);
            }

            var before = kept.Entries.Where(one => one.Value.Entry.Name == name).ToList();
            if (before is [var one] && metadata is { } same && one.Value.Entry.Metadata.Kind == same.Kind)
            {
                kept.Entries[one.Key] = (one.Value.Entry with { Metadata = same }, one.Value.Run);
                return Changed(listing, kept, Attributes.LookTheSame(one.Value.Entry.Metadata, same) ? [] : [name]);
            }

            before.ForEach(gone => kept.Entries.Remove(gone.Key));
            if (metadata is { } present)
            {
                kept.Entries[UnderStorageEntry.PositionOf(name, present.Kind)] = (new UnderStorageEntry(name, present), 0);
            }

            return Changed(listing, kept, before.Count == 0 && metadata is null ? [] : [name]);
        });

    public async ValueTask RaiseFloorAsync(SourceId source, string path, DateTimeOffset floor, CancellationToken cancellationToken) =>
        await Run(() =>
        {
            _lastFloor = floor;
            foreach (var listing in _listings.Values.Where(one => one.Directory.Source == source
                && (PathInSource.IsWithin(one.Directory.Path, path) || one.Directory.Path == PathInSource.ParentOf(path))))
            {
                listing.FloorUtc = floor;
                foreach (var later in listing.Segments.Values.Where(segment => segment.AskedUtc > floor).ToList())
                {
                    listing.Segments[later.Start] = later with { AskedUtc = null };
                }
            }

            return true;
        });

    public async ValueTask DropAsync(SourceId source, CancellationToken cancellationToken) =>
        await Run(() => Remove(listing => listing.Directory.Source == source));

    private static string? PositionOf(UnderStorageEntry entry) =>
        entry.PositionInDirectory == UnderStorageEntry.PositionOf(entry.Name, entry.Metadata.Kind) ? null : entry.Position;

    private static bool IsIn(string position, string from, string? to) =>
        PositionOrder.Instance.Compare(position, from) > 0 && (to is null || PositionOrder.Instance.Compare(position, to) <= 0);

    private static void ReplaceSegments(Listing kept, ListingPart part)
    {
        if (!part.Segments.IsEmpty)
        {
            foreach (var start in kept.Segments.Keys.Where(start => start == part.From || IsIn(start, part.From, part.To)).ToList())
            {
                kept.Segments.Remove(start);
            }
        }

        foreach (var segment in part.Segments)
        {
            kept.Segments[segment.Start] = segment;
        }

        if (part.Joined is { } joined)
        {
            kept.Segments[joined.Start] = joined;
            kept.Segments.Remove(part.JoinedStart!);
        }
    }

    private static WrittenPart Changed(long id, Listing kept, List<string> changed, bool isChange = true)
    {
        kept.Version += isChange && changed.Count > 0 ? 1 : 0;
        return new WrittenPart(id, kept.Version, [.. changed.Take(PathChange.MaxNames + 1)]);
    }

    private bool Remove(Func<Listing, bool> which)
    {
        foreach (var (id, listing) in _listings.ToList())
        {
            if (which(listing))
            {
                _listings.Remove(id);
            }
        }

        return true;
    }

    private ValueTask<TResult> Run<TResult>(Func<TResult> work)
    {
        if (FailWith is { } message)
        {
            return ValueTask.FromException<TResult>(new ListingStoreException(message));
        }

        lock (_gate)
        {
            return new ValueTask<TResult>(work());
        }
    }
}
