namespace Orleans.Runtime;

/// <summary>The calls of this host that wait for an answer. One timer looks for those whose time is over; it stops
/// while nothing waits, so an idle process sleeps.</summary>
internal sealed class PendingCalls : IDisposable
{
    /// <summary>More calls waiting than this is a caller gone wild: the next one fails at once.</summary>
    private const int MaxPending = 100_000;

    /// <summary>A caller may wait this much longer than it asked for; finer looks cost more than they give.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<long, PendingCall> _calls = new();
    private readonly TimeProvider _time;
    private readonly IRequestRouter _router;
    private readonly ITimer _timer;
    private int _count;
    private int _ticking;
    private long _lastId;

    public PendingCalls(TimeProvider time, IRequestRouter router)
    {
        _time = time;
        _router = router;
        _timer = time.CreateTimer(
            static self => ((PendingCalls)self!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public long NextId() => Interlocked.Increment(ref _lastId);

    public void Add(PendingCall call)
    {
        if (Interlocked.Increment(ref _count) > MaxPending)
        {
            Interlocked.Decrement(ref _count);
            throw new LimitExceededException(
                $"{call.Request.Name} was not sent: {MaxPending} calls wait for answers already.");
        }

        _calls[call.Request.Id] = call;
        if (call.Request.Deadline != 0 && Interlocked.Exchange(ref _ticking, 1) == 0)
        {
            _timer.Change(LookEvery, LookEvery);
        }
    }

    public bool Remove(long id)
    {
        if (!_calls.TryRemove(id, out _))
        {
            return false;
        }

        Interlocked.Decrement(ref _count);
        return true;
    }

    public PendingCall? Find(long id) => _calls.GetValueOrDefault(id);
    public void CancelRequest(PendingCall call) => _router.Cancel(call);

    /// <summary>Ends the calls that went out on a connection, or all.</summary>
    public void FailAll(object? connection, Func<PendingCall, Exception> why)
    {
        foreach (var (_, call) in _calls)
        {
            if (connection is null || ReferenceEquals(call.Connection, connection))
            {
                call.TryFinish(Response.FromException(why(call)));
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        if (Volatile.Read(ref _count) == 0)
        {
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            Volatile.Write(ref _ticking, 0);
            if (Volatile.Read(ref _count) == 0 || Interlocked.Exchange(ref _ticking, 1) != 0)
            {
                return;
            }

            _timer.Change(LookEvery, LookEvery); // A call came between the look and the stop.
        }

        var now = _time.GetTimestamp();
        foreach (var (_, call) in _calls)
        {
            if (call.Request.Deadline != 0 && now > call.Request.Deadline)
            {
                var waited = _time.GetElapsedTime(call.Since, now);
                call.TryFinish(Response.FromException(new TimeoutException(
                    $"No answer to {call.Request.Name} of grain {call.Request.Target} within {waited.TotalSeconds:F1} "
                    + $"s. Whether it ran is unknown; it goes on if it did. {_router.Describe(call)}")));
            }
        }
    }
}
