using Microsoft.Data.Sqlite;

namespace OrleansCache.Silo.GrainStorage;

/// <summary>What SQLite's error codes mean for the person who runs the silo.</summary>
internal static class SqliteErrors
{
    /// <summary>The failure in words.</summary>
    public static GrainStorageException Explain(string path, SqliteException failure) => new(
        $"The grain state in '{path}' {Describe(failure)} (SQLite {failure.SqliteExtendedErrorCode}: {failure.Message})", failure);

    private static string Describe(SqliteException failure) => failure.SqliteErrorCode switch
    {
        5 or 6 => "is in use by another process. Two silos cannot share a data directory: stop the other one or give another --data-dir.",
        8 => "cannot be written: the file or its file system is read-only. Check its owner and the mount.",
        10 => "could not be read or written: the disk reports an error. Check the kernel log, then restore the file from a copy.",
        11 or 26 => "is damaged or not ours. Stop the silo, move the file away and restore a copy, or start empty and attach the sources again.",
        13 => "cannot grow: the disk is full. Free some space; nothing acknowledged is lost.",
        14 => "cannot be opened. Check that the directory exists and that the silo's user may write in it.",
        _ => "failed.",
    };
}
