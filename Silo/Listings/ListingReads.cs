using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using OrleansCache.Grains.Listings;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Silo.Listings;

/// <summary>A listing with the time it was last used.</summary>
internal sealed record OpenedListing(StoredListing Listing, DateTimeOffset Touched);

/// <summary>What is asked of the file of listings.</summary>
internal static class ListingReads
{
    /// <summary>What is kept of a directory.</summary>
    public static OpenedListing? Open(ListingDatabase database, DirectoryRef directory)
    {
        long id, version;
        DateTimeOffset floor, touched;
        using (var row = database.Statement(
            "SELECT id, version, floor, touched FROM directory WHERE source = ?1 AND path = ?2 AND id_high = ?3 AND id_low = ?4",
            (long)directory.Source.Value, directory.Path, (long)directory.Id.High, (long)directory.Id.Low).ExecuteReader())
        {
            if (!row.Read())
            {
                return null;
            }

            (id, version) = (row.GetInt64(0), row.GetInt64(1));
            (floor, touched) = (TimeOf(row.GetInt64(2)), TimeOf(row.GetInt64(3)));
        }

        var segments = ImmutableArray.CreateBuilder<ListingSegment>();
        using var rows = database.Statement(
            "SELECT start, resume, asked, unreachable FROM segment WHERE directory = ?1 ORDER BY start", id).ExecuteReader();
        while (rows.Read())
        {
            segments.Add(new ListingSegment(
                TextOf(rows, 0)!, TextOf(rows, 1), rows.IsDBNull(2) ? null : TimeOf(rows.GetInt64(2)),
                rows.IsDBNull(3) ? [] : [.. JsonSerializer.Deserialize<string[]>(rows.GetString(3)) ?? []]));
        }

        return new OpenedListing(new StoredListing(id, version, floor, segments.ToImmutable()), touched);
    }

    /// <summary>The entry of a name.</summary>
    public static StoredEntry Find(ListingDatabase database, long listing, string name) => VersionOf(database, listing) == 0
        ? new StoredEntry(IsGone: true, null)
        : new StoredEntry(IsGone: false, FindAll(database, listing, name) is [var first, ..] ? first : null);

    /// <summary>What stands under a name: where names stand by themselves, as a file or a directory, else wherever it stands.</summary>
    public static List<UnderStorageEntry> FindAll(ListingDatabase database, long listing, string name)
    {
        // Without INDEXED BY, SQLite looks for the name through all entries of the directory.
        using var rows = database.Statement(
            "SELECT position, name, metadata FROM entry WHERE directory = ?1 AND position IN (?2, ?3) AND name IS NULL "
            + "UNION ALL SELECT position, name, metadata FROM entry INDEXED BY entry_name WHERE directory = ?1 AND name = ?4",
            listing, EntryCodec.ToBytes(name), EntryCodec.ToBytes(name + "/"), name).ExecuteReader();
        var found = new List<UnderStorageEntry>(1);
        while (rows.Read())
        {
            if (EntryOf(rows) is var entry && entry.Name == name)
            {
                found.Add(entry);
            }
        }

        return found;
    }

    /// <summary>Entries in order.</summary>
    public static StoredPage? Read(ListingDatabase database, long listing, string after, string? upTo, int limit)
    {
        var version = VersionOf(database, listing);
        if (version == 0)
        {
            return null;
        }

        var entries = new List<UnderStorageEntry>(limit);
        using var rows = Range(database, listing, EntryCodec.ToBytes(after), upTo is null ? null : EntryCodec.ToBytes(upTo), limit);
        while (rows.Read())
        {
            entries.Add(EntryOf(rows));
        }

        return new StoredPage(entries, version);
    }

    /// <summary>Rows of positions after one, up to another.</summary>
    public static SqliteDataReader Range(ListingDatabase database, long listing, byte[] after, byte[]? upTo, int limit) => (upTo is null
        ? database.Statement(
            "SELECT position, name, metadata FROM entry WHERE directory = ?1 AND position > ?2 ORDER BY position LIMIT ?3",
            listing, after, limit)
        : database.Statement(
            "SELECT position, name, metadata FROM entry WHERE directory = ?1 AND position > ?2 AND position <= ?4 "
            + "ORDER BY position LIMIT ?3",
            listing, after, limit, upTo)).ExecuteReader();

    /// <summary>The entry of a row of position, name and attributes.</summary>
    public static UnderStorageEntry EntryOf(SqliteDataReader row) => EntryCodec.Decode(
        row.GetFieldValue<byte[]>(0), row.IsDBNull(1) ? null : row.GetString(1), row.GetFieldValue<byte[]>(2));

    /// <summary>The version of a listing; 0 = it is gone.</summary>
    public static long VersionOf(ListingDatabase database, long listing) =>
        (long?)database.Statement("SELECT version FROM directory WHERE id = ?1", listing).ExecuteScalar() ?? 0;

    /// <summary>A time as stored.</summary>
    public static DateTimeOffset TimeOf(long ticks) => new(ticks, TimeSpan.Zero);

    private static string? TextOf(SqliteDataReader row, int column) =>
        row.IsDBNull(column) ? null : Encoding.UTF8.GetString(row.GetFieldValue<byte[]>(column));
}
