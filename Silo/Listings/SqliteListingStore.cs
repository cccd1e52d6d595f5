using System.Text.Json;
using Microsoft.Data.Sqlite;
using OrleansCache.Files;
using OrleansCache.Grains.Listings;
using OrleansCache.Linux;
using OrleansCache.Namespaces;

namespace OrleansCache.Silo.Listings;

/// <summary>
/// Listings in one SQLite file: one thread writes, two read beside it and do not wait for it. A file that is damaged or of another
/// format is thrown away and made anew: it is a cache. Bounded: past its limit the listings used least lately go. Thread-safe.
/// </summary>
internal sealed partial class SqliteListingStore : IListingStore, IDisposable
{
    /// <summary>Some 2 GB of disk; a hundred times what a node's training set usually has.</summary>
    public const long DefaultMaxEntries = 20_000_000;

    private const int Readers = 2;
    private const int SqliteFull = 13;

    /// <summary>A listing in use is marked so once in this time.</summary>
    private static readonly TimeSpan TouchAfter = TimeSpan.FromHours(1);

    /// <summary>One opening of the file.</summary>
    private sealed record Files(DatabaseThreads<ListingDatabase> Writer, DatabaseThreads<ListingDatabase> Readers) : IDisposable
    {
        public void Dispose()
        {
            Readers.Dispose();
            Writer.Dispose();
        }
    }

    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly long _maxEntries;
    private readonly TimeProvider _time;
    private readonly ILogger<SqliteListingStore> _logger;
    private Files _files;
    private ListingWrites? _writes;
    private long _entries;
    private bool _isDisposed;

    /// <summary>Opens or makes the file.</summary>
    /// <exception cref="ListingStoreException">Not even a new file can be made.</exception>
    public SqliteListingStore(string path, long maxEntries, TimeProvider time, ILogger<SqliteListingStore> logger)
    {
        (_path, _maxEntries, _time, _logger) = (path, maxEntries, time, logger);
        _files = Open();
    }

    /// <summary>Entries of all listings.</summary>
    internal long Entries => Interlocked.Read(ref _entries);

    /// <inheritdoc/>
    public async ValueTask<StoredListing?> OpenAsync(DirectoryRef directory, CancellationToken cancellationToken)
    {
        var opened = await ReadAsync(database => ListingReads.Open(database, directory), cancellationToken).ConfigureAwait(false);
        if (opened is not null && _time.GetUtcNow() - opened.Touched > TouchAfter)
        {
            await WriteAsync(writes => writes.Touch(opened.Listing.Id), cancellationToken).ConfigureAwait(false);
        }

        return opened?.Listing;
    }

    /// <inheritdoc/>
    public async ValueTask<StoredEntry> FindAsync(long listing, string name, CancellationToken cancellationToken) =>
        await ReadAsync(database => ListingReads.Find(database, listing, name), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask<StoredPage?> ReadAsync(
        long listing, string after, string? upTo, int limit, CancellationToken cancellationToken) =>
        await ReadAsync(database => ListingReads.Read(database, listing, after, upTo, limit), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask<WrittenPart> WriteAsync(ListingPart part, CancellationToken cancellationToken) => await WriteAsync(
        writes =>
        {
            var written = writes.Write(part, out var added);
            Account(writes, added, written.Listing);
            return written;
        },
        cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask<WrittenPart> LearnAsync(
        long listing, string name, FileMetadata? metadata, CancellationToken cancellationToken) => await WriteAsync(
        writes =>
        {
            var written = writes.Learn(listing, name, metadata, out var added);
            Account(writes, added, listing);
            return written;
        },
        cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask RaiseFloorAsync(SourceId source, string path, DateTimeOffset floor, CancellationToken cancellationToken) =>
        await WriteAsync(writes => writes.RaiseFloor(source, path, floor), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask DropAsync(SourceId source, CancellationToken cancellationToken) => await WriteAsync(
        writes =>
        {
            Interlocked.Add(ref _entries, -writes.Drop(source));
            return 0;
        },
        cancellationToken).ConfigureAwait(false);

    /// <summary>Writes what is queued and closes the file.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _files.Dispose();
        }
    }

    private static bool IsDamage(Exception failure) =>
        failure is InvalidDataException or SqliteException { SqliteErrorCode: 11 or 26 }
            or JsonException or InvalidCastException or ArgumentOutOfRangeException; // a value that nobody wrote

    private void Account(ListingWrites writes, long added, long current)
    {
        while (Interlocked.Add(ref _entries, added) > _maxEntries && writes.DropOldest(current) is { } dropped)
        {
            added = -dropped;
        }
    }

    private Task<TResult> ReadAsync<TResult>(Func<ListingDatabase, TResult> read, CancellationToken cancellationToken)
    {
        var files = Volatile.Read(ref _files);
        return GuardAsync(files, () => files.Readers.RunAsync(read, cancellationToken));
    }

    private Task<TResult> WriteAsync<TResult>(Func<ListingWrites, TResult> write, CancellationToken cancellationToken)
    {
        var files = Volatile.Read(ref _files);
        return GuardAsync(files, () => files.Writer.RunAsync(_ => write(_writes!), cancellationToken));
    }

    private async Task<TResult> GuardAsync<TResult>(Files files, Func<Task<TResult>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (Exception failure) when (IsDamage(failure))
        {
            Renew(files, failure.Message);
            throw new ListingStoreException($"'{_path}' was damaged and is begun anew: {failure.Message}", failure);
        }
        catch (SqliteException failure)
        {
            throw new ListingStoreException(
                $"'{_path}': {failure.Message}"
                + (failure.SqliteErrorCode == SqliteFull ? " Free some space; listings are not kept until then." : ""),
                failure);
        }
        catch (ObjectDisposedException ended)
        {
            throw new ListingStoreException($"'{_path}' is being closed or begun anew; try again", ended);
        }
    }

    /// <summary>Throws the file away, once for all who saw it damaged.</summary>
    private void Renew(Files damaged, string why)
    {
        lock (_gate)
        {
            if (_files != damaged || _isDisposed)
            {
                return;
            }

            LogThrownAway(_path, why);
            damaged.Dispose();
            Delete();
            Volatile.Write(ref _files, Open());
        }
    }

    private Files Open()
    {
        try
        {
            return OpenFiles();
        }
        catch (Exception failure) when (failure is SqliteException or InvalidDataException)
        {
            LogThrownAway(_path, failure.Message);
            Delete();
        }
        catch (LinuxFileException failure)
        {
            throw new ListingStoreException($"'{_path}' cannot be written: {failure.Message}", failure);
        }

        try
        {
            return OpenFiles();
        }
        catch (Exception failure) when (failure is SqliteException or LinuxFileException)
        {
            throw new ListingStoreException($"'{_path}' cannot be made: {failure.Message}", failure);
        }
    }

    private Files OpenFiles()
    {
        // Numbered by the clock, so that who still knows a listing of a file thrown away finds it gone and not another one.
        var writer = ListingDatabase.OpenWriter(_path, _time.GetUtcNow().ToUnixTimeMilliseconds());
        List<ListingDatabase> readers = [];
        try
        {
            _writes = new ListingWrites(writer, _time, _writes?.LastFloor ?? default);
            Interlocked.Exchange(ref _entries, _writes.Count());
            while (readers.Count < Readers)
            {
                readers.Add(ListingDatabase.OpenReader(_path));
            }
        }
        catch
        {
            readers.ForEach(reader => reader.Dispose());
            writer.Dispose();
            throw;
        }

        return new Files(
            new DatabaseThreads<ListingDatabase>("listings", [writer], RemoveSomeDropped),
            new DatabaseThreads<ListingDatabase>("listings read", readers));
    }

    private bool RemoveSomeDropped(ListingDatabase writer)
    {
        try
        {
            return _writes!.RemoveSomeDropped();
        }
        catch (SqliteException failure)
        {
            LogNotRemoved(_path, failure.Message);
            return false;
        }
    }

    private void Delete()
    {
        foreach (var suffix in (string[])["", "-wal", "-shm"])
        {
            File.Delete(_path + suffix);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The listings kept in {Path} cannot be used and are thrown away; directories are "
        + "listed again when they are asked for: {Reason}")]
    private partial void LogThrownAway(string path, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Old listings could not be removed from {Path}: {Reason}")]
    private partial void LogNotRemoved(string path, string reason);
}
