namespace OrleansCache.Fuse.FileSystem;

/// <summary>
/// Bounds the reads that wait for data, by number and by bytes of buffer. What is over the bound waits its turn; the
/// queue is bounded by the session, which takes no more requests than it may leave unanswered.
/// </summary>
internal sealed class ReadAdmission(int readsMax, long bytesMax)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiting = new();
    private int _reads;
    private long _bytes;

    /// <summary>Reads admitted now.</summary>
    public int ReadsInFlight => Volatile.Read(ref _reads);

    /// <summary>Reads that wait for their turn.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Waits for room; a read larger than all the room comes in alone.</summary>
    /// <exception cref="OperationCanceledException">Nobody wants the read any more; nothing was taken.</exception>
    public async ValueTask EnterAsync(int bytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Waiter waiter;
        LinkedListNode<Waiter> place;
        lock (_lock)
        {
            if (_waiting.Count == 0 && HasRoom(bytes))
            {
                Take(bytes);
                return;
            }

            waiter = new Waiter(bytes);
            place = _waiting.AddLast(waiter);
        }

        using var registration = cancellationToken.UnsafeRegister(_ => Abandon(place), null);
        if (!await waiter.Turn.Task.ConfigureAwait(false))
        {
            throw new OperationCanceledException(cancellationToken);
        }
    }

    /// <summary>Gives the room back and lets the next ones in.</summary>
    public void Exit(int bytes)
    {
        List<Waiter>? admitted = null;
        lock (_lock)
        {
            _reads--;
            _bytes -= bytes;
            while (_waiting.First is { } first && HasRoom(first.Value.Bytes))
            {
                _waiting.RemoveFirst();
                Take(first.Value.Bytes);
                (admitted ??= []).Add(first.Value);
            }
        }

        foreach (var waiter in admitted ?? [])
        {
            waiter.Turn.SetResult(true);
        }
    }

    private bool HasRoom(int bytes) => _reads == 0 || (_reads < readsMax && _bytes + bytes <= bytesMax);

    private void Take(int bytes)
    {
        _reads++;
        _bytes += bytes;
    }

    private void Abandon(LinkedListNode<Waiter> place)
    {
        lock (_lock)
        {
            if (place.List is null)
            {
                return; // Admitted meanwhile; the read itself sees the cancellation.
            }

            _waiting.Remove(place);
        }

        place.Value.Turn.SetResult(false);
    }

    private sealed record Waiter(int Bytes)
    {
        /// <summary>
        /// True: come in. Continuations elsewhere: the one who leaves must not run the next one's read.
        /// </summary>
        public TaskCompletionSource<bool> Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
