namespace OrleansCache.Fuse.FileSystem;

/// <summary>Counts work that outlives its call, so that a stop can wait for the last of it.</summary>
internal sealed class BackgroundWork
{
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running = 1; // One for the owner, given back by Close.

    /// <summary>Completes when the owner has closed and nothing runs any more.</summary>
    public Task Drained => _drained.Task;

    public void Enter() => Interlocked.Increment(ref _running);

    public void Exit()
    {
        if (Interlocked.Decrement(ref _running) == 0)
        {
            _drained.TrySetResult();
        }
    }

    /// <summary>The owner starts nothing more. Called once.</summary>
    public void Close() => Exit();
}
