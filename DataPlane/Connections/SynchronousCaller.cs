using System.Runtime.ExceptionServices;

namespace OrleansCache.DataPlane.Connections;

/// <summary>
/// A thread whose caller wants the bytes before it goes on. Where a read would await something, such a thread waits for it itself, woken
/// by the one that brings it: the whole read runs on it, and none of it needs a thread of the pool, all of which may be waiting in the
/// same way. Other callers do not notice any of this.
/// </summary>
public static class SynchronousCaller
{
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(int.MaxValue);

    [ThreadStatic] private static bool _isHere;
    [ThreadStatic] private static CancellationTokenSource? _deadline;
    [ThreadStatic] private static long _until; // On the clock of Environment.TickCount64: a thread waits in real time.

    /// <summary>Whether this thread is one.</summary>
    public static bool IsHere => _isHere;

    /// <summary>Runs a read on this thread and waits for its end.</summary>
    /// <remarks>What it awaited in another way goes on in the pool, and this thread waits for that.</remarks>
    public static TResult Run<TState, TResult>(TState state, Func<TState, ValueTask<TResult>> read)
    {
        ValueTask<TResult> reading;
        using (new Scope(isHere: true))
        {
            reading = read(state);
        }

        if (reading.IsCompletedSuccessfully)
        {
            return reading.Result;
        }

        var task = reading.AsTask();
        try
        {
            task.Wait();
        }
        catch (AggregateException failed)
        {
            ExceptionDispatchInfo.Throw(failed.InnerException!);
        }

        return task.Result;
    }

    /// <summary>What is started until the scope is disposed goes its own way: nobody waits for it.</summary>
    public static Scope Suspend() => new(isHere: false);

    /// <summary>The read that runs here is over after a time. The source's own timer needs the pool, so this thread looks at the clock.</summary>
    public static void EndAfter(TimeSpan time, CancellationTokenSource deadline) =>
        (_until, _deadline) = (Environment.TickCount64 + (long)time.TotalMilliseconds, deadline);

    /// <summary>What to await instead of a task: for a synchronous caller the task has ended by then, or the token has.</summary>
    public static Task<T> Here<T>(Task<T> task, CancellationToken cancellationToken) => Here(task, Longest, cancellationToken);

    /// <summary>The same, or the limit is over.</summary>
    internal static Task<T> Here<T>(Task<T> task, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (_isHere)
        {
            try
            {
                task.Wait(Patience(limit), cancellationToken);
            }
            catch (AggregateException)
            {
                // What went wrong is thrown where the task is awaited.
            }

            EndIfLate();
        }

        return task.WaitAsync(cancellationToken);
    }

    /// <summary>Waits a while; cancelled by the token, or when the time of the read is over.</summary>
    public static Task PauseAsync(TimeSpan pause, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!_isHere)
        {
            return Task.Delay(pause, time, cancellationToken);
        }

        cancellationToken.WaitHandle.WaitOne(Patience(pause));
        EndIfLate();
        return cancellationToken.IsCancellationRequested ? Task.FromCanceled(cancellationToken) : Task.CompletedTask;
    }

    /// <summary>Waits for its turn, but not longer than the limit.</summary>
    internal static Task<bool> EnterAsync(SemaphoreSlim turn, TimeSpan limit, CancellationToken cancellationToken) => _isHere
        ? Task.FromResult(turn.Wait(Patience(limit), cancellationToken))
        : turn.WaitAsync(limit, cancellationToken);

    /// <summary>How long this thread waits for something that has a limit of its own.</summary>
    internal static TimeSpan Patience(TimeSpan limit)
    {
        var left = _deadline is null ? limit : TimeSpan.FromMilliseconds(Math.Max(0, _until - Environment.TickCount64));
        return left < limit ? left : limit;
    }

    /// <summary>Cancels the read when its time is over.</summary>
    internal static void EndIfLate()
    {
        if (_deadline is { } deadline && Environment.TickCount64 >= _until)
        {
            deadline.Cancel();
        }
    }

    /// <summary>Ends on the thread that began it.</summary>
    public readonly ref struct Scope
    {
        private readonly bool _wasHere;
        private readonly CancellationTokenSource? _wasDeadline;
        private readonly long _wasUntil;

        internal Scope(bool isHere)
        {
            (_wasHere, _wasDeadline, _wasUntil) = (_isHere, _deadline, _until);
            (_isHere, _deadline) = (isHere, null);
        }

        /// <summary>All is as it was before.</summary>
        public void Dispose() => (_isHere, _deadline, _until) = (_wasHere, _wasDeadline, _wasUntil);
    }
}
