using System.Globalization;
using System.Text.Json;
using Orleans.Storage;

namespace OrleansCache.Silo.GrainStorage;

/// <summary>
/// Grain state of a single silo in one SQLite file: our own JSON under our own grain type names, so that it outlives a change of
/// the engine. A write is durable when it returns. A write whose ETag is not the stored one throws. Thread-safe.
/// </summary>
internal sealed class SqliteGrainStorage : IGrainStorage, IDisposable
{
    /// <summary>Form of the JSON in the body; a later form reads this one, too.</summary>
    public const int BodyFormat = 1;

    /// <summary>State is decisions, not data: the largest (a full namespace table) has some 100 KiB.</summary>
    public const int MaxBodyBytes = 4 << 20;

    /// <summary>Waiting writes; more make callers wait.</summary>
    private const int MaxQueued = 1024;

    /// <summary>Writes per commit.</summary>
    private const int MaxGroup = 256;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    private readonly SqliteThread _thread;
    private readonly string _path;

    private SqliteGrainStorage(string path, SqliteThread thread) => (_path, _thread) = (path, thread);

    /// <summary>Commits so far; fewer than writes when writes came together.</summary>
    internal long Commits => _thread.Commits;

    /// <summary>Opens or makes the file.</summary>
    /// <exception cref="GrainStorageException">It cannot be used; the message says why and what to do.</exception>
    public static SqliteGrainStorage Open(string path, TimeProvider time) =>
        new(path, new SqliteThread(SqliteDatabase.Open(path), path, MaxQueued, MaxGroup, time));

    /// <inheritdoc/>
    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var grain = grainId.ToString();
        var record = await _thread.RunAsync(writes: false, database => database.Read(grain, stateName)).ConfigureAwait(false);
        if (record is null)
        {
            grainState.ETag = null!;
            grainState.RecordExists = false;
            return;
        }

        grainState.State = Decode<T>(record, grain, stateName);
        (grainState.ETag, grainState.RecordExists) = (TextOf(record.ETag)!, true);
    }

    /// <inheritdoc/>
    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var grain = grainId.ToString();
        var body = JsonSerializer.SerializeToUtf8Bytes(grainState.State, Json);
        if (body.Length > MaxBodyBytes)
        {
            throw new GrainStorageException(
                $"State '{stateName}' of {grain} has {body.Length} bytes; the limit is {MaxBodyBytes}. Nothing was stored.");
        }

        var ours = grainState.ETag;
        var (stored, written) = await _thread.RunAsync(writes: true, database =>
        {
            var before = TextOf(database.Read(grain, stateName)?.ETag);
            var after = before == ours ? TextOf(database.Write(grain, stateName, BodyFormat, body)) : null;
            return (before, after);
        }).ConfigureAwait(false);
        if (written is null)
        {
            throw Conflict(stateName, grain, stored, ours);
        }

        (grainState.ETag, grainState.RecordExists) = (written, true);
    }

    /// <inheritdoc/>
    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var grain = grainId.ToString();
        var ours = grainState.ETag;
        var stored = await _thread.RunAsync(writes: true, database =>
        {
            var before = TextOf(database.Read(grain, stateName)?.ETag);
            if (before is not null && before == ours)
            {
                database.Delete(grain, stateName);
            }

            return before;
        }).ConfigureAwait(false);
        if (stored != ours)
        {
            throw Conflict(stateName, grain, stored, ours);
        }

        grainState.ETag = null!;
        grainState.RecordExists = false;
        grainState.State = Activator.CreateInstance<T>();
    }

    /// <summary>Stores what is queued and closes the file.</summary>
    public void Dispose() => _thread.Dispose();

    private static string? TextOf(long? etag) => etag?.ToString(CultureInfo.InvariantCulture);

    private static InconsistentStateException Conflict(string stateName, string grain, string? stored, string? ours) =>
        new($"State '{stateName}' of {grain} was written by another activation.", stored, ours);

    private T Decode<T>(StoredRecord record, string grain, string stateName)
    {
        if (record.Format != BodyFormat)
        {
            throw new GrainStorageException(
                $"State '{stateName}' of {grain} in '{_path}' has form {record.Format}; this silo reads {BodyFormat}. Run the silo that wrote it.");
        }

        try
        {
            return JsonSerializer.Deserialize<T>(record.Body, Json)
                ?? throw new JsonException("it is null");
        }
        catch (JsonException damaged)
        {
            throw new GrainStorageException(
                $"State '{stateName}' of {grain} in '{_path}' is not readable: {damaged.Message} Restore a copy of the file.", damaged);
        }
    }
}
