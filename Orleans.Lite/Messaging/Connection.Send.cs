namespace Orleans.Runtime.Messaging;

/// <summary>The sending half: a pending buffer that fills while the other one is being sent.</summary>
internal abstract partial class Connection
{
    /// <summary>A peer that lets this much gather behind a send under way, which is as large at most, does not read: a
    /// thousand of the largest messages we allow ourselves.</summary>
    protected const int QueuedBytesMax = 64 << 20;

    /// <summary>A send that moves nothing for this long means a dead or stalled peer.</summary>
    private static readonly TimeSpan SendTimeout = TimeSpan.FromSeconds(10);

    private readonly Lock _sendGate = new();
    private byte[] _pending = new byte[FirstBufferBytes];
    private byte[] _sending = new byte[FirstBufferBytes];
    private int _pendingLength;
    private bool _flushing;
    private long _sendSince;

    /// <summary>When bytes were handed to the kernel last.</summary>
    protected long LastSent { get; private set; }

    /// <summary>Queues a frame by copying it. False when the connection is closed.</summary>
    public bool TrySend(WireWriter frame)
    {
        lock (_sendGate)
        {
            if (IsClosed)
            {
                return false;
            }

            var needed = (long)_pendingLength + frame.Length;
            if (_pendingLength > 0 && needed > QueuedBytesMax)
            {
                OnQueueFull();
                return false;
            }

            if (needed > _pending.Length)
            {
                Array.Resize(ref _pending, (int)Math.Min(Math.Max(needed, 2L * _pending.Length), Array.MaxLength));
            }

            frame.Written.CopyTo(_pending.AsSpan(_pendingLength));
            _pendingLength += frame.Length;
            if (_flushing)
            {
                return true;
            }

            _flushing = true;
        }

        // Not sent here: what runs before this work item gets its turn adds to the same system call.
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return true;
    }

    /// <summary>Queues a frame that is nothing but its kind.</summary>
    public void Post(FrameKind kind)
    {
        using var writer = WireWriter.Rent();
        writer.EndBlock(Frames.Begin(writer, kind));
        TrySend(writer);
    }

    public void Execute() => _ = FlushAsync();

    /// <summary>Waits until everything queued has gone out, for a graceful end.</summary>
    public async Task DrainAsync(TimeSpan limit)
    {
        using var timeout = new CancellationTokenSource(limit, _time);
        while (!IsClosed && !timeout.IsCancellationRequested)
        {
            lock (_sendGate)
            {
                if (!_flushing)
                {
                    return;
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(5), _time, CancellationToken.None);
        }
    }

    private async Task FlushAsync()
    {
        try
        {
            while (TakePending() is { Length: > 0 } batch)
            {
                Volatile.Write(ref _sendSince, _time.GetTimestamp());
                while (batch.Length > 0)
                {
                    batch = batch[await _socket.SendAsync(batch, SocketFlags.None)..];
                    LastSent = _time.GetTimestamp();
                    Volatile.Write(ref _sendSince, LastSent);
                }
            }
        }
        catch (Exception exception)
        {
            Close(exception);
        }
    }

    private ReadOnlyMemory<byte> TakePending()
    {
        lock (_sendGate)
        {
            if (_pendingLength == 0)
            {
                _flushing = false;
                Volatile.Write(ref _sendSince, 0);
                return default;
            }

            var length = _pendingLength;
            (_sending, _pending) =
                (_pending, _sending.Length > KeptBufferBytes ? new byte[FirstBufferBytes] : _sending);
            _pendingLength = 0;
            return _sending.AsMemory(0, length);
        }
    }

    private void CheckSend()
    {
        var since = Volatile.Read(ref _sendSince);
        if (since != 0 && _time.GetElapsedTime(since) > SendTimeout)
        {
            Close(new BadPeerException($"It read nothing for {SendTimeout.TotalSeconds} s."));
        }
    }
}
