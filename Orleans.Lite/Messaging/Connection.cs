namespace Orleans.Runtime.Messaging;

/// <summary>One TCP connection, either side. One loop reads and parses frames in place; senders append to a pending
/// buffer under a short lock and one flush at a time sends what has gathered, so that many small messages share a
/// system call. Bounded: frame size, bytes waiting to be sent, time to complete a frame, time a send may take. The
/// sending half is in Connection.Send.cs.</summary>
internal abstract partial class Connection : IThreadPoolWorkItem, IDisposable
{
    private const int FirstBufferBytes = 64 * 1024;
    /// <summary>Larger receive buffers are given back after the frame that needed them.</summary>
    private const int KeptBufferBytes = 1 << 20;

    /// <summary>A frame that has begun must be complete within this time: slow writers hold buffers and
    /// connections.</summary>
    private static readonly TimeSpan FrameTimeout = TimeSpan.FromSeconds(10);

    private readonly Socket _socket;
    private readonly TimeProvider _time;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WireReader _reader = new();
    private byte[] _received = new byte[FirstBufferBytes];
    private long _partialSince;
    private long _lastReceived;
    private int _closed;
    private Exception? _closeReason;

    protected Connection(Socket socket, TimeProvider time, ILogger logger)
    {
        _socket = socket;
        _time = time;
        Logger = logger;
        Opened = time.GetTimestamp();
        _lastReceived = Opened;
        Peer = socket.RemoteEndPoint?.ToString() ?? "unknown";
        socket.NoDelay = true;
    }

    public string Peer { get; }
    /// <summary>Completes when everything about the connection is over.</summary>
    public Task Ended => _ended.Task;
    public bool IsClosed => Volatile.Read(ref _closed) != 0;
    protected ILogger Logger { get; }
    protected TimeProvider Time => _time;
    protected long Opened { get; }
    protected TimeSpan SinceReceived => _time.GetElapsedTime(Volatile.Read(ref _lastReceived));
    /// <summary>The largest frame this side accepts now.</summary>
    protected abstract int LargestFrame { get; }
    public void Dispose() => Close(new ObjectDisposedException(nameof(Connection)));

    /// <summary>Reads until the connection ends.</summary>
    public async Task ReceiveAsync()
    {
        Exception reason;
        try
        {
            await ReceiveFramesAsync();
            reason = new EndOfStreamException("The peer closed the connection.");
        }
        catch (Exception exception)
        {
            reason = exception;
        }

        Close(reason);
        OnClosed(_closeReason ?? reason);
        _ended.TrySetResult();
    }

    /// <summary>Ends the connection; the first reason counts.</summary>
    public void Close(Exception reason)
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0)
        {
            return;
        }

        _closeReason = reason;
        _socket.Dispose(); // Ends the pending receive and send.
    }

    /// <summary>Called now and then: closes a peer that has been too slow.</summary>
    public virtual void Check()
    {
        var partial = Volatile.Read(ref _partialSince);
        if (partial != 0 && _time.GetElapsedTime(partial) > FrameTimeout)
        {
            Close(new BadPeerException($"It did not complete a frame within {FrameTimeout.TotalSeconds} s."));
        }

        CheckSend();
    }

    /// <summary>Handles one frame on the receive loop. Must not block.</summary>
    protected abstract void OnFrame(FrameKind kind, WireReader reader);
    protected abstract void OnClosed(Exception reason);

    /// <summary>The frame that was to be sent finds <see cref="QueuedBytesMax"/> waiting: close, or throw to refuse
    /// it.</summary>
    protected abstract void OnQueueFull();

    private async Task ReceiveFramesAsync()
    {
        var used = 0;
        while (true)
        {
            var count = await _socket.ReceiveAsync(_received.AsMemory(used), SocketFlags.None);
            if (count == 0)
            {
                return;
            }

            Volatile.Write(ref _lastReceived, _time.GetTimestamp());
            used += count;
            var parsed = ParseFrames(used);
            used -= parsed;
            if (used == 0)
            {
                Volatile.Write(ref _partialSince, 0);
            }
            else if (parsed > 0 || _partialSince == 0)
            {
                Volatile.Write(ref _partialSince, _time.GetTimestamp());
            }

            Compact(parsed, used);
        }
    }

    private int ParseFrames(int used)
    {
        var at = 0;
        while (used - at >= sizeof(uint))
        {
            var length = BinaryPrimitives.ReadUInt32LittleEndian(_received.AsSpan(at));
            if (length < Frames.SmallestFrame || length > (uint)LargestFrame)
            {
                throw new BadPeerException($"It sent a frame of {length} bytes; {LargestFrame} are allowed.");
            }

            if (used - at - sizeof(uint) < length)
            {
                break;
            }

            Parse(at + sizeof(uint), (int)length);
            at += sizeof(uint) + (int)length;
        }

        return at;
    }

    private void Parse(int start, int length)
    {
        _reader.Reset(_received, start, length);
        var version = _reader.Byte();
        if (version != Frames.Version)
        {
            throw new BadPeerException($"It speaks version {version} of the protocol, we speak {Frames.Version}.");
        }

        var kind = (FrameKind)_reader.Byte();
        try
        {
            OnFrame(kind, _reader);
        }
        catch (Exception exception) when (exception is SerializerException or FormatException or OverflowException)
        {
            throw new BadPeerException($"It sent a malformed {kind}: {exception.Message}", exception);
        }
    }

    /// <summary>Moves the rest to the front. The buffer grows only as far as bytes really arrive.</summary>
    private void Compact(int parsed, int rest)
    {
        if (rest == 0 && _received.Length > KeptBufferBytes)
        {
            _received = new byte[FirstBufferBytes];
        }
        else if (rest == _received.Length)
        {
            Array.Resize(ref _received, (int)Math.Min(2L * rest, LargestFrame + sizeof(uint)));
        }
        else if (parsed > 0 && rest > 0)
        {
            _received.AsSpan(parsed, rest).CopyTo(_received);
        }
    }
}
