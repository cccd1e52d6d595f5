using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace OrleansCache.Silo.GrainStorage;

/// <summary>
/// The one thread that touches the database, for SQLite's calls block. Requests that gather while a commit waits for the disk
/// share the next commit, so the group is as large as the disk is slow and nobody waits for a group to fill. The queue is bounded: a
/// full one makes callers wait, for <see cref="QueuePatience"/> at most.
/// </summary>
internal sealed class SqliteThread : IDisposable
{
    /// <summary>A group that takes longer to gather than 2 ms would make its first member wait for the others.</summary>
    private static readonly TimeSpan MaxGather = TimeSpan.FromMilliseconds(2);

    /// <summary>Under half of a grain call's time: its caller gets this message, not a time-out.</summary>
    private static readonly TimeSpan QueuePatience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);

    private readonly BlockingCollection<StorageRequest> _queue = [];
    private readonly SemaphoreSlim _slots;
    private readonly SqliteDatabase _database;
    private readonly string _path;
    private readonly int _maxGroup;
    private readonly TimeProvider _time;
    private readonly Thread _thread;
    private int _disposed;

    public SqliteThread(SqliteDatabase database, string path, int maxQueued, int maxGroup, TimeProvider time)
    {
        (_database, _path, _maxGroup, _time) = (database, path, maxGroup, time);
        _slots = new SemaphoreSlim(maxQueued);
        _thread = new Thread(Work) { IsBackground = true, Name = "grain storage" };
        _thread.Start();
    }

    /// <summary>Commits so far.</summary>
    public long Commits { get; private set; }

    /// <summary>Queues a request and waits for it to be durable.</summary>
    /// <exception cref="GrainStorageException">The database failed, or the queue stayed full.</exception>
    public async Task<TResult> RunAsync<TResult>(bool writes, Func<SqliteDatabase, TResult> work)
    {
        if (!await _slots.WaitAsync(QueuePatience).ConfigureAwait(false))
        {
            throw new GrainStorageException(
                $"The grain state in '{_path}' is too slow: no place in its queue for {QueuePatience.TotalSeconds:0} s. Check the disk.");
        }

        var request = new StorageRequest<TResult>(writes, work);
        _queue.Add(request);
        return await request.Completion.ConfigureAwait(false);
    }

    /// <summary>Does what is queued, then closes the database.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return; // the container knows the store under two names and disposes of it for each
        }

        _queue.CompleteAdding();
        if (_thread.Join(StopPatience))
        {
            _queue.Dispose();
            _slots.Dispose();
        }
    }

    private void Work()
    {
        var group = new List<StorageRequest>(_maxGroup);
        while (_queue.TryTake(out var first, Timeout.Infinite))
        {
            group.Add(first);
            var began = _time.GetTimestamp();
            while (group.Count < _maxGroup && _time.GetElapsedTime(began) < MaxGather && _queue.TryTake(out var next))
            {
                group.Add(next);
            }

            _slots.Release(group.Count);
            Run(group);
            group.Clear();
        }

        _database.Dispose();
    }

    private void Run(List<StorageRequest> group)
    {
        try
        {
            var writes = group.Exists(request => request.Writes);
            if (writes)
            {
                _database.Begin();
            }

            group.ForEach(request => request.Execute(_database));
            if (writes)
            {
                _database.Commit();
                Commits++;
            }

            group.ForEach(request => request.Finish());
        }
        catch (SqliteException failure)
        {
            FailAll(group, SqliteErrors.Explain(_path, failure));
        }
        catch (Exception broken)
        {
            FailAll(group, broken); // the top of this thread: whoever waits must hear of it
        }
    }

    private void FailAll(List<StorageRequest> group, Exception failure)
    {
        try
        {
            _database.RollbackIfOpen();
        }
        catch (SqliteException another)
        {
            failure = SqliteErrors.Explain(_path, another);
        }

        group.ForEach(request => request.Fail(failure));
    }
}
