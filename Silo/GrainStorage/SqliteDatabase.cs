using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Microsoft.Data.Sqlite;
using OrleansCache.Linux;

namespace OrleansCache.Silo.GrainStorage;

/// <summary>A stored record.</summary>
/// <param name="ETag">Its version: never used twice in one file.</param>
/// <param name="Format">Version of the JSON's form.</param>
/// <param name="Body">The JSON in UTF-8.</param>
internal sealed record StoredRecord(long ETag, int Format, byte[] Body);

/// <summary>
/// The file: schema, pragmas, statements. WAL and synchronous=FULL: what was committed survives a power cut. Locked for this
/// process as long as it is open. For one thread at a time.
/// </summary>
internal sealed class SqliteDatabase : IDisposable
{
    /// <summary>Version of the schema, in the file's user_version.</summary>
    private const int SchemaVersion = 1;

    private const string Schema = """
        CREATE TABLE grain_state (
          grain TEXT NOT NULL, name TEXT NOT NULL, format INTEGER NOT NULL, etag INTEGER NOT NULL, body BLOB NOT NULL,
          PRIMARY KEY (grain, name)) WITHOUT ROWID;
        CREATE TABLE last_etag (value INTEGER NOT NULL);
        INSERT INTO last_etag VALUES (0);
        """;

    private readonly SqliteConnection _connection;

    private SqliteDatabase(SqliteConnection connection) => _connection = connection;

    /// <summary>Opens or makes the file.</summary>
    /// <exception cref="GrainStorageException">It cannot be used.</exception>
    public static SqliteDatabase Open(string path)
    {
        try
        {
            MakePrivate(path);
        }
        catch (Exception failure) when (failure is LinuxFileException or IOException or UnauthorizedAccessException)
        {
            throw new GrainStorageException(
                $"The grain state in '{path}' cannot be written: {failure.Message} Give another --data-dir or its user the right.", failure);
        }

        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Pooling = false,
            DefaultTimeout = 1, // seconds of waiting for a lock: whoever holds it holds it for good
        }.ToString());
        var database = new SqliteDatabase(connection);
        try
        {
            connection.Open();
            database.Prepare(path);
            return database;
        }
        catch (SqliteException failure)
        {
            database.Dispose();
            throw SqliteErrors.Explain(path, failure);
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    public void Begin() => Execute("BEGIN IMMEDIATE");

    public void Commit() => Execute("COMMIT");

    /// <summary>Undoes an open transaction; none open is fine, for SQLite undoes some by itself.</summary>
    public void RollbackIfOpen()
    {
        if (SQLitePCL.raw.sqlite3_get_autocommit(_connection.Handle) == 0)
        {
            Execute("ROLLBACK");
        }
    }

    public StoredRecord? Read(string grain, string name)
    {
        using var command = Command("SELECT etag, format, body FROM grain_state WHERE grain = $grain AND name = $name", grain, name);
        using var reader = command.ExecuteReader();
        return reader.Read() ? new StoredRecord(reader.GetInt64(0), reader.GetInt32(1), reader.GetFieldValue<byte[]>(2)) : null;
    }

    /// <summary>Inserts or replaces.</summary>
    /// <returns>The new ETag.</returns>
    public long Write(string grain, string name, int format, byte[] body)
    {
        var etag = (long)Scalar("UPDATE last_etag SET value = value + 1 RETURNING value")!;
        using var command = Command(
            "INSERT INTO grain_state (grain, name, format, etag, body) VALUES ($grain, $name, $format, $etag, $body) "
            + "ON CONFLICT (grain, name) DO UPDATE SET format = $format, etag = $etag, body = $body",
            grain, name);
        command.Parameters.AddWithValue("$format", format);
        command.Parameters.AddWithValue("$etag", etag);
        command.Parameters.AddWithValue("$body", body);
        command.ExecuteNonQuery();
        return etag;
    }

    public void Delete(string grain, string name)
    {
        using var command = Command("DELETE FROM grain_state WHERE grain = $grain AND name = $name", grain, name);
        command.ExecuteNonQuery();
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    /// <summary>Grain state names every source and silo: nobody else's business.</summary>
    private static void MakePrivate(string path)
    {
        using (var file = FileOpening.Open(path, OpenFlags.ReadWrite | OpenFlags.Create))
        {
            if (OperatingSystem.IsLinux())
            {
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite); // one that is there may be open to others
            }
        }

        // The file's name must survive a power cut like its contents.
        using var directory = FileOpening.Open(Path.GetDirectoryName(Path.GetFullPath(path))!, OpenFlags.Directory);
        FileSpace.Sync(directory);
    }

    private void Prepare(string path)
    {
        Execute("PRAGMA locking_mode = EXCLUSIVE");
        var mode = Scalar("PRAGMA journal_mode = WAL") as string;
        if (mode != "wal")
        {
            throw new GrainStorageException($"The grain state in '{path}' cannot use a write-ahead log ({mode}). Put it on a local file system.");
        }

        Execute("PRAGMA synchronous = FULL");
        Begin();
        var version = (long)Scalar("PRAGMA user_version")!;
        if (version == 0)
        {
            Execute(Schema);
            Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version = {SchemaVersion}"));
        }
        else if (version != SchemaVersion)
        {
            throw new GrainStorageException(
                $"The grain state in '{path}' has schema {version}; this silo knows {SchemaVersion}. Run the silo that wrote it.");
        }

        Commit();
    }

    private SqliteCommand Command(string sql, string grain, string name)
    {
        var command = Command(sql);
        command.Parameters.AddWithValue("$grain", grain);
        command.Parameters.AddWithValue("$name", name);
        return command;
    }

    [SuppressMessage("Security", "CA2100", Justification = "all statements are constants of this file")]
    private SqliteCommand Command(string sql)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        return command;
    }

    private void Execute(string sql)
    {
        using var command = Command(sql);
        command.ExecuteNonQuery();
    }

    private object? Scalar(string sql)
    {
        using var command = Command(sql);
        return command.ExecuteScalar();
    }
}
