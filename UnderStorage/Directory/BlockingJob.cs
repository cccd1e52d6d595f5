namespace OrleansCache.UnderStorage.Directories;

/// <summary>One blocking piece of work.</summary>
internal abstract class BlockingJob
{
    private readonly Lock _callerGate = new();
    private bool _callerLeft;

    /// <summary>Does the work on the calling thread. Never throws.</summary>
    public abstract void Run(Scratch scratch);

    /// <summary>The caller stops waiting: from the return of this call on nothing of the caller's is touched.</summary>
    public void Leave()
    {
        lock (_callerGate)
        {
            _callerLeft = true;
        }
    }

    /// <summary>Touches the caller's memory or delegate if the caller still waits.</summary>
    /// <returns>False when it left: the work may stop.</returns>
    protected bool WhileCallerWaits<TState>(TState state, Action<TState> touch)
    {
        lock (_callerGate)
        {
            if (!_callerLeft)
            {
                touch(state);
            }

            return !_callerLeft;
        }
    }

    /// <summary>Whether the caller has left.</summary>
    protected bool CallerLeft
    {
        get
        {
            lock (_callerGate)
            {
                return _callerLeft;
            }
        }
    }
}

/// <summary>One blocking piece of work with a result.</summary>
internal abstract class BlockingJob<TResult> : BlockingJob
{
    private readonly TaskCompletionSource<TResult> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the work is done.</summary>
    public Task<TResult> Completion => _done.Task;

    /// <inheritdoc/>
    public sealed override void Run(Scratch scratch)
    {
        if (CallerLeft)
        {
            _done.TrySetCanceled();
            return;
        }

        try
        {
            _done.TrySetResult(Execute(scratch));
        }
        catch (Exception broken)
        {
            // The top of this thread: a broken invariant belongs to the caller that waits for it.
            _done.TrySetException(broken);
        }
    }

    /// <summary>The work. Expected failures are part of the result.</summary>
    protected abstract TResult Execute(Scratch scratch);
}
