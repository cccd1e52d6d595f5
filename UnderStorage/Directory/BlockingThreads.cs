namespace OrleansCache.UnderStorage.Directories;

/// <summary>
/// A bounded set of threads for calls that may block for minutes (a hung NFS server). Its queue is bounded: when it is full the
/// caller waits, and the caller's deadline ends that wait and the wait for the answer, even if the thread hangs on. Threads
/// start when needed and leave after <see cref="IdleLimit"/>.
/// </summary>
internal sealed class BlockingThreads(string name, int maxThreads, int maxQueued) : IDisposable
{
    /// <summary>An idle thread keeps 1 MiB of scratch; half a minute bridges the gaps of one job.</summary>
    private static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(30);

    /// <summary>The calls are shallow.</summary>
    private const int StackBytes = 256 * 1024;

    private readonly SemaphoreSlim _queueSlots = new(maxQueued);
    private readonly Queue<BlockingJob> _queue = new();
    private readonly object _gate = new();
    private int _threads;
    private int _idle;
    private bool _closed;

    /// <summary>Threads that exist now.</summary>
    public int ThreadCount
    {
        get
        {
            lock (_gate)
            {
                return _threads;
            }
        }
    }

    /// <summary>Runs the job on one of the threads.</summary>
    /// <returns>Its result, or <paramref name="onDeadline"/> when the token ended the wait first.</returns>
    public async ValueTask<TResult> RunAsync<TResult>(
        BlockingJob<TResult> job, TResult onDeadline, CancellationToken cancellationToken)
    {
        try
        {
            await _queueSlots.WaitAsync(cancellationToken).ConfigureAwait(false);
            Enqueue(job);
            return await job.Completion.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            job.Leave();
            return onDeadline;
        }
    }

    /// <summary>Lets idle threads go; jobs queued are still done, new ones are refused. Hung threads are not waited for.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
    }

    private void Enqueue(BlockingJob job)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            _queue.Enqueue(job);
            if (_queue.Count <= _idle)
            {
                Monitor.Pulse(_gate);
            }
            else if (_threads < maxThreads)
            {
                _threads++;
                new Thread(Work, StackBytes) { IsBackground = true, Name = name }.Start();
            }
        }
    }

    private void Work()
    {
        using var scratch = new Scratch();
        while (TryDequeue() is { } job)
        {
            _queueSlots.Release();
            job.Run(scratch);
        }
    }

    private BlockingJob? TryDequeue()
    {
        lock (_gate)
        {
            while (_queue.Count == 0)
            {
                if (_closed)
                {
                    _threads--;
                    return null;
                }

                _idle++;
                var signalled = Monitor.Wait(_gate, IdleLimit);
                _idle--;
                if (!signalled && _queue.Count == 0)
                {
                    _threads--;
                    return null;
                }
            }

            return _queue.Dequeue();
        }
    }
}
