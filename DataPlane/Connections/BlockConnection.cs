using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Wires;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Connections;

/// <summary>
/// A connection to one block server. Callers send their requests themselves, under a lock and without waiting in all but
/// broken cases; one dedicated thread receives all answers, payload straight into the callers' buffers. A caller's token
/// ends its request with <see cref="OperationCanceledException"/>, the connection's own deadline with
/// <see cref="ReadStatus.DeadlineExceeded"/>; either way the buffer is not touched afterwards. A warm read allocates nothing.
/// </summary>
public sealed partial class BlockConnection : IBlockConnection
{
    // The watchdog's steps: fine enough for short deadlines, rare enough to cost nothing.
    private static readonly TimeSpan LongestWatchInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan ShortestWatchInterval = TimeSpan.FromMilliseconds(5);

    private readonly StreamSocket _socket;
    private readonly IWire _wire;
    private readonly BlockConnectionOptions _options;
    private readonly TimeProvider _time;
    private readonly PendingRequest[] _slots;
    private readonly Stack<PendingRequest> _freeSlots;
    private readonly SemaphoreSlim _freeCount;
    private readonly SemaphoreSlim _batchCredits = new(MaxBatchesInFlight);
    private readonly Lock _slotsLock = new();
    private readonly Lock _sendLock = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer _watchdog;
    private readonly TimeSpan _watchInterval;
    private readonly long _timeoutTicks;
    private readonly long _graceTicks;
    private readonly uint _timeoutMs;
    private int _watching;
    private ulong _ringEpoch;
    private volatile bool _closed;

    internal BlockConnection(
        IWire wire, HandshakeOffer server, bool isUnix, BlockConnectionOptions options, TimeProvider time)
    {
        (_wire, _socket, _options, _time, _isUnix) = (wire, wire.Socket, options, time, isUnix);
        _mayLead = wire is PlainWire;
        PassesDescriptors = isUnix && (server.Features & Features.Descriptors) != 0;
        MaxReadBytes = Math.Min(server.MaxReadBytes, FrameLimits.MaxReadBytes);
        MaxBatchBytes = (server.Features & Features.Batches) != 0 ? Math.Min(MaxReadBytes, FrameLimits.MaxBatchBytes) : 0;
        var count = Math.Min(server.MaxRequestsInFlight, options.MaxRequestsInFlight);
        _slots = new PendingRequest[count];
        for (var index = 0; index < count; index++)
        {
            _slots[index] = new PendingRequest(this, index);
        }

        _freeSlots = new Stack<PendingRequest>(_slots);
        _freeCount = new SemaphoreSlim(count);
        _timeoutTicks = (long)(options.RequestTimeout.TotalSeconds * time.TimestampFrequency);
        _graceTicks = (long)(options.CancelGrace.TotalSeconds * time.TimestampFrequency);
        _timeoutMs = (uint)Math.Clamp(options.RequestTimeout.TotalMilliseconds, 1, uint.MaxValue);
        var interval = Math.Clamp(
            options.RequestTimeout.Ticks / 8, ShortestWatchInterval.Ticks, LongestWatchInterval.Ticks);
        _watchInterval = TimeSpan.FromTicks(interval);
        _watchdog = time.CreateTimer(
            static state => ((BlockConnection)state!).Watch(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public bool PassesDescriptors { get; }

    /// <inheritdoc/>
    public bool IsOpen => !_closed;

    /// <inheritdoc/>
    public ulong RingEpoch => Volatile.Read(ref _ringEpoch);

    /// <summary>Requests that have not been answered.</summary>
    public int RequestsInFlight => _slots.Length - _freeCount.CurrentCount;

    /// <summary>Most bytes one read asks the server for; longer ones are split.</summary>
    public int MaxReadBytes { get; }

    /// <inheritdoc/>
    public int MaxBatchBytes { get; }

    internal long Now => _time.GetTimestamp();

    /// <summary>See <see cref="BlockConnectionOptions.CancelGrace"/>.</summary>
    internal TimeSpan CancelGrace => _options.CancelGrace;

    /// <summary>Connects: by the Unix socket if there is one and it works, else by TCP.</summary>
    /// <exception cref="BlockServerUnreachableException">Nobody there, or not in time.</exception>
    /// <exception cref="HandshakeRefusedException">The two ends will not speak with each other.</exception>
    public static Task<BlockConnection> ConnectAsync(
        DataEndpoint endpoint, BlockConnectionOptions options, TimeProvider time, CancellationToken cancellationToken) =>
        new ConnectAttempt(endpoint, options, time).RunAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Break();
        await _ended.Task.ConfigureAwait(false);
    }

    /// <summary>Ends the connection; the receiving thread fails what is in flight.</summary>
    internal void Break()
    {
        _closed = true;
        _socket.Shutdown();
        _wake.Set();
    }

    /// <summary>A request nobody holds any more.</summary>
    internal void Recycle(PendingRequest request)
    {
        if (request.Type == FrameType.ReadBatch)
        {
            _batchCredits.Release();
        }

        lock (_slotsLock)
        {
            _freeSlots.Push(request);
        }

        _freeCount.Release();
    }

    /// <summary>Tells the server to give a request up; false when the line is busy: the watchdog tries again.</summary>
    internal bool SendCancel(ulong id)
    {
        if (_closed || !_sendLock.TryEnter())
        {
            return false;
        }

        try
        {
            Span<byte> frame = stackalloc byte[FrameHeader.Bytes];
            new FrameHeader(FrameType.Cancel, FrameFlags.None, ReadStatus.Ok, 0, id).Write(frame);
            return SendIfRoom(frame);
        }
        finally
        {
            _sendLock.Exit();
        }
    }

    private bool TryTakeSlot(out PendingRequest request)
    {
        if (_freeCount.Wait(0))
        {
            request = PopSlot();
            return true;
        }

        request = null!;
        return false;
    }

    private PendingRequest PopSlot()
    {
        lock (_slotsLock)
        {
            return _freeSlots.Pop();
        }
    }

    /// <summary>Waits for a slot as long as a request may take; null when there was none.</summary>
    private async ValueTask<PendingRequest?> WaitForSlotAsync(CancellationToken cancellationToken) =>
        await SynchronousCaller.EnterAsync(_freeCount, _options.RequestTimeout, cancellationToken).ConfigureAwait(false) ? PopSlot() : null;

    /// <summary>Sends a request that has begun. A failed send breaks the connection, and that fails the request.</summary>
    private void Send(PendingRequest request, ReadOnlySpan<byte> frame, CancellationToken cancellationToken, bool isSmall = false)
    {
        CountRequest(isSmall);
        if (Interlocked.Exchange(ref _watching, 1) == 0)
        {
            StartWatch();
        }

        lock (_sendLock)
        {
            if (!_closed && !_wire.SendAll(frame))
            {
                Break();
            }
        }

        // Either the receiving thread's last visit saw this request, or we see that it was the last.
        if (_failedAll)
        {
            request.Fail(ReadStatus.Unavailable);
        }

        request.Watch(cancellationToken);
        SeeToAnswer(request);
    }

    /// <summary>Sends without waiting, unless a part has left already: frames are not cut. Under the lock.</summary>
    private bool SendIfRoom(ReadOnlySpan<byte> frame)
    {
        var sent = _wire.TrySend(frame);
        if (sent < 0 && StreamSocket.LastErrno == Errno.Again)
        {
            return false;
        }

        if (sent < 0 || !_wire.SendAll(frame[sent..]))
        {
            Break();
            return false;
        }

        return true;
    }

    private void Watch()
    {
        var now = Now;
        foreach (var request in _slots)
        {
            if (request.CheckDeadline(now, _graceTicks, _timeoutTicks))
            {
                Break();
            }
        }

        if (_failedAll)
        {
            return;
        }

        if (RequestsInFlight == 0)
        {
            Volatile.Write(ref _watching, 0);
            if (RequestsInFlight == 0 || Interlocked.Exchange(ref _watching, 1) != 0)
            {
                return;
            }
        }

        StartWatch();
    }

    private void StartWatch()
    {
        try
        {
            _watchdog.Change(_watchInterval, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // The connection has ended; nothing is left to watch.
        }
    }
}
