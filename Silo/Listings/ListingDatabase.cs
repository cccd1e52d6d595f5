using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Microsoft.Data.Sqlite;
using OrleansCache.Linux;

namespace OrleansCache.Silo.Listings;

/// <summary>
/// One connection to the file of listings: schema, pragmas, statements kept prepared. WAL and synchronous=NORMAL: a power cut may lose
/// the last parts listed, which are listed again. For one thread at a time.
/// </summary>
internal sealed class ListingDatabase : IDisposable
{
    /// <summary>Version of the schema and of what <see cref="EntryCodec"/> writes, in the file's user_version.</summary>
    public const int Format = 1;

    private const string Schema = """
        CREATE TABLE directory (
          id INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL, path TEXT NOT NULL, id_high INTEGER NOT NULL,
          id_low INTEGER NOT NULL, version INTEGER NOT NULL, floor INTEGER NOT NULL, entries INTEGER NOT NULL, touched INTEGER NOT NULL,
          UNIQUE (source, path));
        CREATE INDEX directory_touched ON directory (touched);
        CREATE TABLE segment (
          directory INTEGER NOT NULL, start BLOB NOT NULL, resume BLOB, asked INTEGER, unreachable TEXT,
          PRIMARY KEY (directory, start)) WITHOUT ROWID;
        CREATE TABLE entry (
          directory INTEGER NOT NULL, position BLOB NOT NULL, name TEXT, run INTEGER NOT NULL, metadata BLOB NOT NULL,
          PRIMARY KEY (directory, position)) WITHOUT ROWID;
        CREATE INDEX entry_name ON entry (directory, name) WHERE name IS NOT NULL;
        CREATE TABLE dropped (directory INTEGER PRIMARY KEY);
        """;

    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteCommand> _commands = new(StringComparer.Ordinal);

    private ListingDatabase(SqliteConnection connection) => _connection = connection;

    /// <summary>Opens the file for writing, making it if it is not there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="firstId">A new file's listings are numbered from here on.</param>
    /// <exception cref="SqliteException">It is not a database, is damaged or cannot be written.</exception>
    /// <exception cref="InvalidDataException">It has another format.</exception>
    public static ListingDatabase OpenWriter(string path, long firstId)
    {
        using (var file = FileOpening.Open(path, OpenFlags.ReadWrite | OpenFlags.Create))
        {
            if (OperatingSystem.IsLinux())
            {
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite); // names are nobody else's business
            }
        }

        var database = Open(path, SqliteOpenMode.ReadWrite);
        try
        {
            database.Prepare(firstId);
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>Opens a file that a writer has open.</summary>
    public static ListingDatabase OpenReader(string path) => Open(path, SqliteOpenMode.ReadOnly);

    /// <summary>A prepared statement with parameters ?1, ?2 and so on.</summary>
    [SuppressMessage("Security", "CA2100", Justification = "all statements are constants")]
    public SqliteCommand Statement(string sql, params ReadOnlySpan<object?> values)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            command = _connection.CreateCommand();
            command.CommandText = sql;
            for (var i = 0; i < values.Length; i++)
            {
                command.Parameters.Add(new SqliteParameter { ParameterName = string.Create(CultureInfo.InvariantCulture, $"?{i + 1}") });
            }

            command.Prepare();
            _commands[sql] = command;
        }

        for (var i = 0; i < values.Length; i++)
        {
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        }

        return command;
    }

    /// <summary>Does a statement.</summary>
    /// <returns>Rows changed.</returns>
    public int Execute(string sql, params ReadOnlySpan<object?> values) => Statement(sql, values).ExecuteNonQuery();

    /// <summary>Does work in a transaction: wholly or not at all.</summary>
    public TResult InTransaction<TResult>(Func<TResult> work)
    {
        Execute("BEGIN IMMEDIATE");
        try
        {
            var result = work();
            Execute("COMMIT");
            return result;
        }
        catch
        {
            if (SQLitePCL.raw.sqlite3_get_autocommit(_connection.Handle) == 0)
            {
                Execute("ROLLBACK");
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var command in _commands.Values)
        {
            command.Dispose();
        }

        _connection.Dispose();
    }

    private static ListingDatabase Open(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = mode,
            Pooling = false,
            DefaultTimeout = 5, // seconds; only a checkpoint holds a lock, and not for long
        }.ToString());
        try
        {
            connection.Open();
            return new ListingDatabase(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private void Prepare(long firstId)
    {
        Pragma("PRAGMA journal_mode = WAL");
        Pragma("PRAGMA synchronous = NORMAL");
        Pragma("PRAGMA cache_size = -8192"); // 8 MiB
        Pragma("PRAGMA journal_size_limit = 67108864");
        InTransaction(() =>
        {
            var version = (long)Pragma("PRAGMA user_version")!;
            if (version == 0)
            {
                Pragma(Schema);
                Execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('directory', ?1)", firstId);
                Pragma(string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version = {Format}"));
            }
            else if (version != Format)
            {
                throw new InvalidDataException($"it has format {version}, this silo knows {Format}");
            }

            return 0;
        });
    }

    [SuppressMessage("Security", "CA2100", Justification = "all statements are constants")]
    private object? Pragma(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
