using System.Threading.Tasks.Sources;
using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Connections;

/// <summary>
/// One request on its way: its slot in the table, its caller's buffer and its caller's ValueTask, used again and again. Two
/// hold it: the caller until the result is taken, the wire until the last answer frame has come (or the connection has ended).
/// So a request that was given up keeps its id until the server has answered, and the answer goes nowhere.
/// The buffer is written only in phase Filling, and nobody completes the request in that phase: when the caller has the
/// result, the buffer is the caller's again.
/// </summary>
internal sealed partial class PendingRequest(BlockConnection connection, int index)
    : IValueTaskSource<RawAnswer>, IValueTaskSource<ReadOutcome>
{
    private enum Phase
    {
        Idle,
        Waiting,
        Filling,
        FillingAbandoned,
        Abandoned,
    }

    private readonly Lock _lock = new();
    private ManualResetValueTaskSourceCore<RawAnswer> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;
    private CancellationToken _reason;
    private Memory<byte> _destination;
    private int _wanted;
    private int _filled;
    private int _holds;
    private ulong _uses;
    private long _deadline;
    private long _abandonedAt;
    private bool _isCancelSent;
    private Phase _phase;

    /// <summary>Slot in the table.</summary>
    public int Index { get; } = index;

    /// <summary>Id on the wire: slot and number of uses, so that a late answer is never taken for another's.</summary>
    public ulong Id { get; private set; }

    public FrameType Type { get; private set; }

    public short Version => _core.Version;

    /// <summary>Whether its caller has a result to take. For the caller itself, before it takes it.</summary>
    public bool IsOver => _core.GetStatus(_core.Version) != ValueTaskSourceStatus.Pending;

    /// <summary>Bytes the caller still wants.</summary>
    public int MissingBytes => _wanted - _filled;

    public void Begin(FrameType type, Memory<byte> destination, long deadline)
    {
        lock (_lock)
        {
            _core.Reset();
            Id = (++_uses << 16) | (uint)Index;
            (Type, _destination, _wanted, _filled, _before) = (type, destination, destination.Length, 0, 0);
            (_deadline, _holds) = (deadline, 2);
            (_reason, _abandonedAt, _registration, _isCancelSent) = (default, 0, default, false);
            PrepareWait();
            _phase = Phase.Waiting;
        }
    }

    /// <summary>Whether an answer with this id is for this request.</summary>
    public bool IsExpecting(ulong id, FrameType type)
    {
        lock (_lock)
        {
            return _phase != Phase.Idle && Id == id && Type == type;
        }
    }

    /// <summary>From now on the caller's token gives the request up.</summary>
    public void Watch(CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
        {
            _registration = cancellationToken.UnsafeRegister(
                static (state, token) => ((PendingRequest)state!).Abandon(null, token), this);
        }
    }

    /// <summary>Borrows the caller's buffer for one piece; false when nobody wants the bytes any more.</summary>
    public bool TryBeginFill(out Memory<byte> rest)
    {
        lock (_lock)
        {
            if (_phase != Phase.Waiting)
            {
                rest = default;
                return false;
            }

            rest = _destination[_filled..];
            _phase = Phase.Filling;
            return true;
        }
    }

    /// <summary>Bytes nobody wants any more have come: the count of what the server owes stays right.</summary>
    public void Skip(int bytes)
    {
        lock (_lock)
        {
            _filled += bytes;
        }
    }

    /// <summary>Gives the buffer back; whoever gave the request up meanwhile gets it now.</summary>
    public void EndFill(int bytes)
    {
        CancellationToken reason;
        lock (_lock)
        {
            _filled += bytes;
            if (_phase == Phase.Filling)
            {
                _phase = Phase.Waiting;
                return;
            }

            _phase = Phase.Abandoned;
            reason = _reason;
        }

        GiveUp(reason);
    }

    /// <summary>The last answer has come. False when nobody wants it: what it carries is the reader's to dispose.</summary>
    public bool Complete(in RawAnswer answer)
    {
        bool wanted;
        int filled;
        lock (_lock)
        {
            if (_phase == Phase.Idle)
            {
                return false;
            }

            wanted = _phase == Phase.Waiting;
            filled = _before + _filled;
            _phase = Phase.Idle;
        }

        if (wanted)
        {
            _core.SetResult(answer with { Bytes = filled });
        }

        Release();
        return wanted;
    }

    /// <summary>The connection has ended: no answer will come. Not called while the buffer is borrowed.</summary>
    public void Fail(ReadStatus status) => Complete(new RawAnswer(status));

    /// <summary>
    /// The watchdog's visit. True when the connection must be closed: the caller has been waiting too long for its buffer, or
    /// the server has not even answered a request that was over long ago.
    /// </summary>
    public bool CheckDeadline(long now, long graceTicks, long timeoutTicks)
    {
        ulong late;
        bool isOver;
        lock (_lock)
        {
            if (_phase == Phase.FillingAbandoned)
            {
                return now - _abandonedAt > graceTicks;
            }

            isOver = _phase == Phase.Abandoned;
            if (isOver && (_isCancelSent || now - _deadline > timeoutTicks))
            {
                return now - _deadline > timeoutTicks;
            }

            if (!isOver && (_phase is not (Phase.Waiting or Phase.Filling) || now < _deadline))
            {
                return false;
            }

            late = Id;
        }

        // By its id: it may be answered and begun anew by now.
        if (isOver)
        {
            SendCancel(late);
        }
        else
        {
            Abandon(late, CancellationToken.None);
        }

        return false;
    }

    RawAnswer IValueTaskSource<RawAnswer>.GetResult(short token) => TakeResult(token);

    ReadOutcome IValueTaskSource<ReadOutcome>.GetResult(short token)
    {
        var answer = TakeResult(token);
        return new ReadOutcome(answer.Status, answer.Bytes, answer.WasResident);
    }

    ValueTaskSourceStatus IValueTaskSource<RawAnswer>.GetStatus(short token) => _core.GetStatus(token);

    ValueTaskSourceStatus IValueTaskSource<ReadOutcome>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<RawAnswer>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    void IValueTaskSource<ReadOutcome>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private RawAnswer TakeResult(short token)
    {
        // Checked first: a wrong token must not give back what somebody else holds.
        var isMine = _core.GetStatus(token) != ValueTaskSourceStatus.Pending;
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            if (isMine)
            {
                // Waits for a callback that is running, so none can meet the request's next use.
                _registration.Dispose();
                Release();
            }
        }
    }

    /// <summary>Gives the request up: by the caller's token, or late when it is None.</summary>
    private void Abandon(ulong? only, CancellationToken reason)
    {
        ulong id;
        lock (_lock)
        {
            if (only is { } expected && expected != Id)
            {
                return;
            }

            switch (_phase)
            {
                case Phase.Waiting:
                    _phase = Phase.Abandoned;
                    id = Id;
                    break;
                case Phase.Filling:
                    _phase = Phase.FillingAbandoned;
                    _reason = reason;
                    _abandonedAt = connection.Now;
                    return;
                default:
                    return;
            }
        }

        GiveUp(reason);
        SendCancel(id);
    }

    private void SendCancel(ulong id)
    {
        if (connection.SendCancel(id))
        {
            lock (_lock)
            {
                _isCancelSent |= Id == id;
            }
        }
    }

    private void GiveUp(CancellationToken reason)
    {
        if (reason.IsCancellationRequested)
        {
            _core.SetException(new OperationCanceledException(reason));
        }
        else
        {
            _core.SetResult(new RawAnswer(ReadStatus.DeadlineExceeded));
        }
    }

    private void Release()
    {
        if (Interlocked.Decrement(ref _holds) == 0)
        {
            (_destination, _reads) = (default, default);
            connection.Recycle(this);
        }
    }
}
