using System.Text.Json;
using OrleansCache.Files;
using OrleansCache.Grains.Listings;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Silo.Listings;

/// <summary>
/// What is changed in the file of listings, each call in one transaction. An entry that is there already as it came is not written:
/// listing an unchanged directory again writes its segments only.
/// </summary>
internal sealed class ListingWrites(ListingDatabase database, TimeProvider time, DateTimeOffset lastFloor)
{
    private const int RowsAtOnce = 2048;

    private const string Within = "source = ?1 AND (path IN (?3, ?4) OR (path > ?5 AND path < ?6))"; // '0' comes after '/'

    /// <summary>What seems to come after the floor was asked for before the clock went back: before it all the same.</summary>
    private const string ForgetLater = "UPDATE segment SET asked = NULL WHERE asked > ?2 AND directory IN (SELECT id FROM directory WHERE ";

    private readonly List<string> _changed = [];
    private long _added;
    private long _removed; // with listings that this one takes the place of

    /// <summary>The last floor of any source: it counts for a listing begun from now on, too, whose first part may be from before.</summary>
    public DateTimeOffset LastFloor { get; private set; } = lastFloor;

    /// <summary>Takes a part of a listing.</summary>
    /// <param name="part">The part.</param>
    /// <param name="added">How many entries more there are now, also negative.</param>
    public WrittenPart Write(ListingPart part, out long added)
    {
        var result = database.InTransaction(() =>
        {
            Begin();
            var id = part.Listing == 0 ? Create(part.Directory) : part.Listing;
            if (part.Listing != 0 && ListingReads.VersionOf(database, id) == 0)
            {
                return new WrittenPart(0, 0, []);
            }

            var entries = Sorted(part.Entries);
            if (part.Run == 0)
            {
                Merge(id, entries, EntryCodec.ToBytes(part.From), part.To is null ? null : EntryCodec.ToBytes(part.To));
            }
            else
            {
                entries.ForEach(entry => PutOfRun(id, entry, part.Run));
                if (part.EndsRun)
                {
                    RemoveOthers(id, part.Run);
                }
            }

            WriteSegments(id, part);
            return End(id, part.WasKnown);
        });
        added = result.Listing == 0 ? 0 : _added - _removed;
        return result;
    }

    /// <summary>Takes what is known of one name.</summary>
    public WrittenPart Learn(long listing, string name, FileMetadata? metadata, out long added)
    {
        var result = database.InTransaction(() =>
        {
            Begin();
            if (ListingReads.VersionOf(database, listing) == 0)
            {
                return new WrittenPart(0, 0, []);
            }

            // Two, when it was a file in one part of the listing and a directory in another.
            var before = ListingReads.FindAll(database, listing, name);
            var only = before.Count == 1 ? before[0] : (UnderStorageEntry?)null;
            if (before.Count < 2 && Attributes.LookTheSame(only?.Metadata, metadata))
            {
                return End(listing, isChange: true);
            }

            var isSamePlace = only is { } there && metadata?.Kind == there.Metadata.Kind;
            if (!isSamePlace)
            {
                before.ForEach(old => Remove(listing, EntryCodec.ToBytes(old.PositionInDirectory)));
            }

            if (metadata is { } present)
            {
                var entry = isSamePlace ? only!.Value with { Metadata = present } : new UnderStorageEntry(name, present);
                Put(listing, EntryCodec.ToBytes(entry.PositionInDirectory), entry, 0);
                _added += isSamePlace ? 0 : 1;
            }

            _changed.Add(name);
            return End(listing, isChange: true);
        });
        added = result.Listing == 0 ? 0 : _added - _removed;
        return result;
    }

    /// <summary>What was asked for up to now at a path, above it by one and below it counts no more.</summary>
    public int RaiseFloor(SourceId source, string path, DateTimeOffset floor)
    {
        LastFloor = floor;
        var parent = PathInSource.ParentOf(path);
        return database.InTransaction(() => path.Length == 0
            ? database.Execute(ForgetLater + "source = ?1)", (long)source.Value, floor.UtcTicks)
                + database.Execute("UPDATE directory SET floor = ?2 WHERE source = ?1", (long)source.Value, floor.UtcTicks)
            : database.Execute(
                ForgetLater + Within + ")", (long)source.Value, floor.UtcTicks, path, parent, path + "/", path + "0")
                + database.Execute(
                    "UPDATE directory SET floor = ?2 WHERE " + Within,
                    (long)source.Value, floor.UtcTicks, path, parent, path + "/", path + "0"));
    }

    /// <summary>A listing was used just now.</summary>
    public int Touch(long listing) =>
        database.Execute("UPDATE directory SET touched = ?2 WHERE id = ?1", listing, time.GetUtcNow().UtcTicks);

    /// <summary>Forgets all listings of a source.</summary>
    /// <returns>How many entries there are fewer.</returns>
    public long Drop(SourceId source) => database.InTransaction(() => DropWhere("source = ?1", (long)source.Value));

    /// <summary>Forgets the listing that was used least lately, but not one.</summary>
    /// <returns>How many entries there are fewer; null = there is no other.</returns>
    public long? DropOldest(long but) => database.InTransaction<long?>(() =>
    {
        var oldest = (long?)database.Statement(
            "SELECT id FROM directory WHERE id <> ?1 ORDER BY touched LIMIT 1", but).ExecuteScalar();
        return oldest is { } id ? DropWhere("id = ?1", id) : null;
    });

    /// <summary>Removes some entries of forgotten listings.</summary>
    /// <returns>Whether there may be more.</returns>
    public bool RemoveSomeDropped() => database.InTransaction(() =>
    {
        if ((long?)database.Statement("SELECT directory FROM dropped LIMIT 1").ExecuteScalar() is not { } id)
        {
            return false;
        }

        var removed = database.Execute(
            "DELETE FROM entry WHERE directory = ?1 AND position IN (SELECT position FROM entry WHERE directory = ?1 LIMIT ?2)",
            id, RowsAtOnce);
        if (removed < RowsAtOnce)
        {
            database.Execute("DELETE FROM dropped WHERE directory = ?1", id);
        }

        return true;
    });

    /// <summary>Entries of all listings.</summary>
    public long Count() => (long?)database.Statement("SELECT IFNULL(SUM(entries), 0) FROM directory").ExecuteScalar() ?? 0;

    private static List<(byte[] Position, UnderStorageEntry Entry)> Sorted(IReadOnlyList<UnderStorageEntry> entries)
    {
        var sorted = new List<(byte[] Position, UnderStorageEntry Entry)>(entries.Count);
        var isSorted = true;
        foreach (var entry in entries)
        {
            var position = EntryCodec.ToBytes(entry.PositionInDirectory);
            isSorted = isSorted && (sorted.Count == 0 || Compare(sorted[^1].Position, position) < 0);
            sorted.Add((position, entry));
        }

        // Twice the same position cannot be; if it comes all the same, one of them counts.
        return isSorted ? sorted : [.. sorted.OrderBy(one => one.Position, ByteOrder).DistinctBy(one => one.Entry.PositionInDirectory)];
    }

    private static readonly Comparer<byte[]> ByteOrder = Comparer<byte[]>.Create(Compare);

    private static int Compare(byte[] one, byte[] other) => one.AsSpan().SequenceCompareTo(other);

    private void Begin()
    {
        _changed.Clear();
        (_added, _removed) = (0, 0);
    }

    private WrittenPart End(long id, bool isChange)
    {
        database.Execute(
            "UPDATE directory SET version = version + ?2, entries = entries + ?3, touched = ?4 WHERE id = ?1",
            id, isChange && _changed.Count > 0 ? 1 : 0, _added, time.GetUtcNow().UtcTicks);
        return new WrittenPart(id, ListingReads.VersionOf(database, id), [.. _changed]);
    }

    private void Note(string name)
    {
        if (_changed.Count <= PathChange.MaxNames)
        {
            _changed.Add(name);
        }
    }

    // The entries go later, bit by bit: a million of them would hold up whoever writes next.
    private long DropWhere(string which, params ReadOnlySpan<object?> values)
    {
        var entries = (long)database.Statement($"SELECT IFNULL(SUM(entries), 0) FROM directory WHERE {which}", values).ExecuteScalar()!;
        database.Execute($"INSERT OR IGNORE INTO dropped SELECT id FROM directory WHERE {which}", values);
        database.Execute($"DELETE FROM segment WHERE directory IN (SELECT id FROM directory WHERE {which})", values);
        database.Execute($"DELETE FROM directory WHERE {which}", values);
        return entries;
    }

    private long Create(DirectoryRef directory)
    {
        _removed += DropWhere("source = ?1 AND path = ?2", (long)directory.Source.Value, directory.Path);
        var now = time.GetUtcNow();

        // Versions begin at the clock, so that those of a listing dropped before are not used again.
        return (long)database.Statement(
            "INSERT INTO directory (source, path, id_high, id_low, version, floor, entries, touched) "
            + "VALUES (?1, ?2, ?3, ?4, ?5, ?7, 0, ?6) RETURNING id",
            (long)directory.Source.Value, directory.Path, (long)directory.Id.High, (long)directory.Id.Low,
            now.ToUnixTimeMilliseconds() * 1000, now.UtcTicks, (LastFloor < now ? LastFloor : now).UtcTicks).ExecuteScalar()!;
    }

    /// <summary>Makes the entries after one position up to another exactly these. Both sides are in order.</summary>
    private void Merge(long id, List<(byte[] Position, UnderStorageEntry Entry)> entries, byte[] from, byte[]? to)
    {
        var next = 0;
        var read = from;
        bool hasMore;
        do
        {
            var kept = ReadKept(id, read, to);
            hasMore = kept.Count == RowsAtOnce;
            foreach (var (position, before) in kept)
            {
                while (next < entries.Count && Compare(entries[next].Position, position) < 0)
                {
                    Add(id, entries[next++]);
                }

                if (next < entries.Count && Compare(entries[next].Position, position) == 0)
                {
                    Replace(id, position, before, entries[next++].Entry);
                }
                else
                {
                    Remove(id, position);
                    Note(before.Name);
                }
            }

            read = kept.Count > 0 ? kept[^1].Position : read;
        }
        while (hasMore);

        while (next < entries.Count)
        {
            Add(id, entries[next++]);
        }
    }

    private List<(byte[] Position, UnderStorageEntry Entry)> ReadKept(long id, byte[] after, byte[]? upTo)
    {
        var kept = new List<(byte[], UnderStorageEntry)>();
        using var rows = ListingReads.Range(database, id, after, upTo, RowsAtOnce);
        while (rows.Read())
        {
            kept.Add((rows.GetFieldValue<byte[]>(0), ListingReads.EntryOf(rows)));
        }

        return kept;
    }

    private void Add(long id, (byte[] Position, UnderStorageEntry Entry) added)
    {
        // One may be there beyond the part's end: an entry that changed its kind stands elsewhere than it was listed.
        _added += Put(id, added.Position, added.Entry, 0);
        Note(added.Entry.Name);
    }

    private void Replace(long id, byte[] position, UnderStorageEntry before, UnderStorageEntry entry)
    {
        if (before.Name != entry.Name || !Attributes.LookTheSame(before.Metadata, entry.Metadata))
        {
            Put(id, position, entry, 0);
            Note(entry.Name);
            if (before.Name != entry.Name)
            {
                Note(before.Name);
            }
        }
    }

    private void PutOfRun(long id, (byte[] Position, UnderStorageEntry Entry) found, long run)
    {
        UnderStorageEntry? before = null;
        using (var row = database.Statement(
            "SELECT position, name, metadata FROM entry WHERE directory = ?1 AND position = ?2", id, found.Position).ExecuteReader())
        {
            before = row.Read() ? ListingReads.EntryOf(row) : null;
        }

        if (before is { } there && there.Name == found.Entry.Name && Attributes.LookTheSame(there.Metadata, found.Entry.Metadata))
        {
            database.Execute("UPDATE entry SET run = ?3 WHERE directory = ?1 AND position = ?2", id, found.Position, run);
            return;
        }

        Put(id, found.Position, found.Entry, run);
        _added += before is null ? 1 : 0;
        Note(found.Entry.Name);
    }

    private void RemoveOthers(long id, long run)
    {
        using (var rows = database.Statement(
            "SELECT position, name, metadata FROM entry WHERE directory = ?1 AND run <> ?2 LIMIT ?3",
            id, run, PathChange.MaxNames + 1).ExecuteReader())
        {
            while (rows.Read())
            {
                Note(ListingReads.EntryOf(rows).Name);
            }
        }

        _added -= database.Execute("DELETE FROM entry WHERE directory = ?1 AND run <> ?2", id, run);
    }

    /// <summary>1 when there was nothing at the position before; the count is right where the caller needs it.</summary>
    private int Put(long id, byte[] position, UnderStorageEntry entry, long run)
    {
        var isOwn = entry.PositionInDirectory == UnderStorageEntry.PositionOf(entry.Name, entry.Metadata.Kind);
        return database.Execute(
            "INSERT INTO entry (directory, position, name, run, metadata) VALUES (?1, ?2, ?3, ?4, ?5) "
            + "ON CONFLICT (directory, position) DO UPDATE SET name = ?3, run = ?4, metadata = ?5",
            id, position, isOwn ? null : entry.Name, run, EntryCodec.Encode(position, entry.Metadata));
    }

    private void Remove(long id, byte[] position) =>
        _added -= database.Execute("DELETE FROM entry WHERE directory = ?1 AND position = ?2", id, position);

    private void WriteSegments(long id, ListingPart part)
    {
        if (!part.Segments.IsEmpty)
        {
            var from = EntryCodec.ToBytes(part.From);
            _ = part.To is null
                ? database.Execute("DELETE FROM segment WHERE directory = ?1 AND start >= ?2", id, from)
                : database.Execute(
                    "DELETE FROM segment WHERE directory = ?1 AND start >= ?2 AND start <= ?3", id, from, EntryCodec.ToBytes(part.To));
        }

        foreach (var segment in part.Segments)
        {
            WriteSegment(id, segment);
        }

        if (part.Joined is { } joined)
        {
            WriteSegment(id, joined);
            database.Execute("DELETE FROM segment WHERE directory = ?1 AND start = ?2", id, EntryCodec.ToBytes(part.JoinedStart!));
        }
    }

    private void WriteSegment(long id, ListingSegment segment) => database.Execute(
        "INSERT OR REPLACE INTO segment (directory, start, resume, asked, unreachable) VALUES (?1, ?2, ?3, ?4, ?5)",
        id, EntryCodec.ToBytes(segment.Start), segment.ResumeAt is null ? null : EntryCodec.ToBytes(segment.ResumeAt),
        segment.AskedUtc?.UtcTicks, segment.Unreachable.IsDefaultOrEmpty ? null : JsonSerializer.Serialize(segment.Unreachable.ToArray()));
}
