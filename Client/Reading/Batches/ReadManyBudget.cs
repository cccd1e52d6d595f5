namespace OrleansCache.Reading.Batches;

/// <summary>
/// Memory of files that are being read for <see cref="CacheClient.ReadManyAsync(IEnumerable{string}, CancellationToken)"/> or wait
/// for their turn, all calls of the client together. Thread-safe.
/// </summary>
internal sealed class ReadManyBudget(long limitBytes)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _returned;
    private long _usedBytes;

    /// <summary>The memory itself.</summary>
    public BatchBuffers Buffers { get; } = new(limitBytes);

    /// <summary>Bytes taken now.</summary>
    public long UsedBytes
    {
        get
        {
            lock (_gate)
            {
                return _usedBytes;
            }
        }
    }

    /// <summary>Takes a part if there is room.</summary>
    public bool TryTake(long bytes)
    {
        lock (_gate)
        {
            if (bytes > limitBytes - _usedBytes)
            {
                return false;
            }

            _usedBytes += bytes;
            return true;
        }
    }

    /// <summary>Takes a part, also beyond the limit: for a call that holds nothing and would otherwise wait for others for ever.</summary>
    public void Take(long bytes)
    {
        lock (_gate)
        {
            _usedBytes += bytes;
        }
    }

    /// <summary>Gives a part back.</summary>
    public void Return(long bytes)
    {
        TaskCompletionSource? returned;
        lock (_gate)
        {
            _usedBytes -= bytes;
            (returned, _returned) = (_returned, null);
        }

        returned?.SetResult();
    }

    /// <summary>Ends when a part is given back after this call: ask for it, look, then wait.</summary>
    public Task WhenReturned()
    {
        lock (_gate)
        {
            return (_returned ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }
}
