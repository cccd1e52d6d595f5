using System.Collections.Concurrent;

namespace OrleansCache.Silo.Listings;

/// <summary>
/// Threads that each have a database of their own, for SQLite's calls block. The queue is bounded: a full one makes callers wait. Work
/// whose caller has left is not begun.
/// </summary>
internal sealed class DatabaseThreads<TDatabase> : IDisposable
    where TDatabase : class, IDisposable
{
    /// <summary>Questions waiting; more make callers wait outside.</summary>
    private const int MaxQueued = 1024;

    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);

    private readonly BlockingCollection<Action<TDatabase>> _queue = [];
    private readonly SemaphoreSlim _slots = new(MaxQueued);
    private readonly List<Thread> _threads = [];
    private readonly Func<TDatabase, bool>? _whenIdle;
    private int _disposed;

    /// <summary>Starts a thread for each database.</summary>
    /// <param name="name">Name of the threads.</param>
    /// <param name="databases">The databases; they are closed with this.</param>
    /// <param name="whenIdle">Done after each piece of work while nothing waits, as long as it says there is more.</param>
    public DatabaseThreads(string name, IEnumerable<TDatabase> databases, Func<TDatabase, bool>? whenIdle = null)
    {
        _whenIdle = whenIdle;
        foreach (var database in databases)
        {
            var thread = new Thread(() => Work(database)) { IsBackground = true, Name = name };
            _threads.Add(thread);
            thread.Start();
        }
    }

    /// <summary>Does work on one of the threads.</summary>
    /// <exception cref="ObjectDisposedException">The threads have ended.</exception>
    public async Task<TResult> RunAsync<TResult>(Func<TDatabase, TResult> work, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        var done = new TaskCompletionSource<TResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            // Without the token: it has its slot, and only the thread that takes it gives that back.
            _queue.Add(database => Run(database, work, done, cancellationToken), CancellationToken.None);
        }
        catch (InvalidOperationException) when (_queue.IsAddingCompleted)
        {
            throw new ObjectDisposedException(nameof(DatabaseThreads<TDatabase>));
        }

        return await done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Does what is queued, then closes the databases.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _queue.CompleteAdding();
        foreach (var thread in _threads)
        {
            thread.Join(StopPatience);
        }
    }

    private static void Run<TResult>(
        TDatabase database, Func<TDatabase, TResult> work, TaskCompletionSource<TResult> done, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            done.TrySetCanceled(cancellationToken);
            return;
        }

        try
        {
            done.TrySetResult(work(database));
        }
        catch (Exception failure)
        {
            done.TrySetException(failure); // who waits hears of it
        }
    }

    private void Work(TDatabase database)
    {
        try
        {
            var hasMore = _whenIdle is not null;
            while (!_queue.IsCompleted)
            {
                if (_queue.TryTake(out var work, hasMore ? 0 : Timeout.Infinite))
                {
                    _slots.Release();
                    work(database);
                    hasMore = _whenIdle is not null;
                }
                else if (hasMore && !_queue.IsAddingCompleted)
                {
                    hasMore = _whenIdle!(database);
                }
            }
        }
        finally
        {
            database.Dispose();
        }
    }
}
