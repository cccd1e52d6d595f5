namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// Every request of one source passes here: at most so many at once (<see cref="ConcurrencyLimit"/>), so many and so many bytes a
/// second (<see cref="TokenBucket"/>), and one at a time while the store is away (<see cref="Circuit"/>). First come, first
/// served in each of two lanes, which take turns; waiting is bounded and can be cancelled. Retries pass like first attempts, so
/// nothing that happens after an outage exceeds the buckets. Thread-safe; no allocation for who need not wait.
/// </summary>
internal sealed class RequestGate : IDisposable
{
    /// <summary>Waiters per lane: more than all fills and lookups of a silo; whoever comes then is told at once.</summary>
    public const int MaxWaiting = 4096;

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly TokenBucket _requests;
    private readonly TokenBucket _bytes;
    private readonly ConcurrencyLimit _limit;
    private readonly Circuit _circuit;
    private readonly LinkedList<Waiter>[] _lanes = [new(), new()];
    private readonly int[] _inFlight = new int[2];
    private readonly ITimer _timer;
    private GateLane _turn;
    private int _probes;
    private bool _closed;

    /// <summary>Makes one.</summary>
    public RequestGate(double requestsPerSecond, double bytesPerSecond, int concurrency, TimeProvider time, Random random)
    {
        _time = time;
        _requests = new TokenBucket(requestsPerSecond, time);
        _bytes = new TokenBucket(bytesPerSecond, time);
        _limit = new ConcurrencyLimit(concurrency, time);
        _circuit = new Circuit(time, random);
        _timer = time.CreateTimer(static gate => ((RequestGate)gate!).Wake(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Called, outside the lock, when the store goes away (true) and when it is back (false).</summary>
    public Action<bool>? AwayChanged { get; init; }

    /// <summary>Requests under way.</summary>
    public int InFlight => Locked(() => _inFlight[0] + _inFlight[1]);

    /// <summary>Reads that may be under way.</summary>
    public int Limit => Locked(() => _limit.Value);

    /// <summary>Requests that wait.</summary>
    public int Waiting => Locked(() => _lanes[0].Count + _lanes[1].Count);

    /// <summary>Whether the store counts as away.</summary>
    public bool IsAway => Locked(() => _circuit.IsOpen);

    /// <summary>Waits for the right to send one request; whoever gets it gives it back with <see cref="Leave"/>.</summary>
    /// <param name="lane">The queue.</param>
    /// <param name="bytes">How many bytes are asked for.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public ValueTask<GatePass> EnterAsync(GateLane lane, long bytes, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_lock)
        {
            if (_closed || cancellationToken.IsCancellationRequested)
            {
                return new(new GatePass(GateAnswer.Cancelled, lane, 0, false));
            }

            var queue = _lanes[(int)lane];
            if (queue.Count == 0 && _lanes[(int)Other(lane)].Count == 0 && Admits(lane, out _))
            {
                return new(Admit(lane, bytes));
            }

            if (queue.Count >= MaxWaiting)
            {
                return new(new GatePass(GateAnswer.Full, lane, 0, false));
            }

            waiter = new Waiter(this, lane, bytes);
            queue.AddLast(waiter.Place);
            Pump();
        }

        return new(waiter.WaitAsync(cancellationToken));
    }

    /// <summary>
    /// The request of a pass that is still held is being answered: the store is there. Else everybody would wait for the last byte
    /// of the read that finds that out.
    /// </summary>
    /// <param name="pass">It.</param>
    public void Answered(GatePass pass)
    {
        if (!pass.IsProbe)
        {
            return;
        }

        lock (_lock)
        {
            if (!_circuit.Succeeded())
            {
                return;
            }

            _limit.Returned();
            Pump();
        }

        AwayChanged?.Invoke(false);
    }

    /// <summary>Gives a pass back.</summary>
    /// <param name="pass">It.</param>
    /// <param name="verdict">How the request ended.</param>
    /// <param name="firstByte">How long the first byte of a read took; null = not known.</param>
    /// <param name="unusedBytes">Of the bytes asked for, those that did not come.</param>
    public void Leave(GatePass pass, S3Verdict verdict, TimeSpan? firstByte = null, long unusedBytes = 0)
    {
        bool? away = null;
        lock (_lock)
        {
            if (unusedBytes > 0)
            {
                _bytes.Take(-unusedBytes);
            }

            if (verdict is S3Verdict.Throttled or S3Verdict.Failed or S3Verdict.Unreachable)
            {
                // A store that says "slower" is there: it counts as away only when we cannot be slower.
                var isAway = verdict != S3Verdict.Throttled || _limit.Value == 1 || pass.IsProbe;
                if (verdict == S3Verdict.Throttled)
                {
                    _limit.Throttled(pass.SentAt);
                }

                away = isAway && _circuit.Failed(pass.IsProbe) ? true : null;
            }
            else if (verdict != S3Verdict.Cancelled || firstByte is not null)
            {
                if (_circuit.Succeeded())
                {
                    _limit.Returned();
                    away = false;
                }

                if (firstByte is { } took)
                {
                    _limit.Succeeded(took, _inFlight[(int)GateLane.Reads]);
                }
            }

            _inFlight[(int)pass.Lane]--;
            _probes -= pass.IsProbe ? 1 : 0;
            Pump();
        }

        if (away is { } changed)
        {
            AwayChanged?.Invoke(changed);
        }
    }

    /// <summary>Sends everybody who waits away.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            foreach (var lane in _lanes)
            {
                while (lane.First is { } first)
                {
                    lane.RemoveFirst();
                    first.Value.Answer(new GatePass(GateAnswer.Cancelled, first.Value.Lane, 0, false));
                }
            }
        }

        _timer.Dispose();
    }

    private void Wake()
    {
        lock (_lock)
        {
            Pump();
        }
    }

    /// <summary>Lets in whom it may and sets the timer for whom only time lets in.</summary>
    private void Pump()
    {
        var wait = Timeout.InfiniteTimeSpan;
        while (!_closed && Next(ref wait) is { } lane)
        {
            var waiter = _lanes[(int)lane].First!.Value;
            _lanes[(int)lane].RemoveFirst();
            _turn = Other(lane);
            waiter.Answer(Admit(lane, waiter.Bytes));
        }

        if (wait != Timeout.InfiniteTimeSpan)
        {
            // A timer counts in milliseconds and may be early: rounded up, or it would be set again and again.
            _timer.Change(TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds) + 1), Timeout.InfiniteTimeSpan);
        }
    }

    private GateLane? Next(ref TimeSpan wait)
    {
        for (var turn = 0; turn < 2; turn++)
        {
            var lane = turn == 0 ? _turn : Other(_turn);
            if (_lanes[(int)lane].Count == 0)
            {
                continue;
            }

            if (Admits(lane, out var until))
            {
                return lane;
            }

            if (until > TimeSpan.Zero && (wait == Timeout.InfiniteTimeSpan || until < wait))
            {
                wait = until;
            }
        }

        return null;
    }

    /// <summary>Whether one more may go; if only time is missing, how much.</summary>
    private bool Admits(GateLane lane, out TimeSpan until)
    {
        until = TimeSpan.Zero;
        var most = lane == GateLane.Reads ? _limit.Value : Math.Clamp(_limit.Value / 4, 2, 16);
        if (_circuit.IsOpen ? _probes > 0 : _inFlight[(int)lane] >= most)
        {
            return false; // somebody who leaves lets the next in
        }

        until = _requests.Wait();
        if (lane == GateLane.Reads && _bytes.Wait() is var bytes && bytes > until)
        {
            until = bytes;
        }

        if (_circuit.IsOpen && _circuit.Wait() is var circuit && circuit > until)
        {
            until = circuit;
        }

        return until == TimeSpan.Zero;
    }

    private GatePass Admit(GateLane lane, long bytes)
    {
        _requests.Take(1);
        _bytes.Take(bytes);
        _inFlight[(int)lane]++;
        _probes += _circuit.IsOpen ? 1 : 0;
        return new GatePass(GateAnswer.Go, lane, _time.GetTimestamp(), _circuit.IsOpen);
    }

    private static GateLane Other(GateLane lane) => lane == GateLane.Reads ? GateLane.Metadata : GateLane.Reads;

    private T Locked<T>(Func<T> read)
    {
        lock (_lock)
        {
            return read();
        }
    }

    private sealed class Waiter
    {
        private readonly RequestGate _gate;
        private readonly TaskCompletionSource<GatePass> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Waiter(RequestGate gate, GateLane lane, long bytes)
        {
            (_gate, Lane, Bytes) = (gate, lane, bytes);
            Place = new LinkedListNode<Waiter>(this);
        }

        public GateLane Lane { get; }

        public long Bytes { get; }

        public LinkedListNode<Waiter> Place { get; }

        public void Answer(GatePass pass) => _answer.TrySetResult(pass);

        public async Task<GatePass> WaitAsync(CancellationToken cancellationToken)
        {
            using var registration = cancellationToken.UnsafeRegister(static waiter => ((Waiter)waiter!).GiveUp(), this);
            return await _answer.Task.ConfigureAwait(false);
        }

        private void GiveUp()
        {
            lock (_gate._lock)
            {
                if (Place.List is not { } queue)
                {
                    return; // answered already: who asked has the pass and gives it back
                }

                queue.Remove(Place);
                Answer(new GatePass(GateAnswer.Cancelled, Lane, 0, false));
            }
        }
    }
}
