using System.Threading.Channels;
using OrleansCache.BlockStore.Index;

namespace OrleansCache.BlockStore.Eviction;

/// <summary>What the evictor may ask of the store.</summary>
internal interface IEvictionHost
{
    /// <summary>The files there are.</summary>
    IEnumerable<CachedFile> Files { get; }

    /// <summary>
    /// Starts giving up about so many bytes of a file, if it is neither leased nor being removed already. Returns what will
    /// come back; the task ends when the gone record is durable.
    /// </summary>
    (long LeavingBytes, Task Recorded) TryEvict(CachedFile file, long bytesWanted);
}

/// <summary>
/// Makes room: for fills that wait, and ahead of them once the tier is nearly full. One loop, rounds of one journal
/// commit each; the bytes come back through the <see cref="Reaper"/> when their readers have left.
/// </summary>
internal sealed class Evictor : IAsyncDisposable
{
    private static readonly TimeSpan PollPeriod = TimeSpan.FromMilliseconds(2);

    private readonly IEvictionHost _host;
    private readonly IEvictionPolicy _policy;
    private readonly TierSpace _space;
    private readonly BlockStoreOptions _options;
    private readonly Lock _gate = new();
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private TaskCompletionSource<bool> _round = NewRound();
    private long _wantedBytes;

    public Evictor(IEvictionHost host, IEvictionPolicy policy, TierSpace space, BlockStoreOptions options)
    {
        _host = host;
        _policy = policy;
        _space = space;
        _options = options;
        _loop = Task.Run(RunAsync);
    }

    private long HighMark => (long)(_space.LimitBytes * _options.EvictAboveShare);

    private long LowMark => (long)(_space.LimitBytes * _options.EvictDownToShare);

    /// <summary>Looks whether the tier is fuller than it should be; cheap.</summary>
    public void Nudge()
    {
        if (_space.UsedBytes - _space.LeavingBytes > HighMark)
        {
            _wake.Writer.TryWrite(true);
        }
    }

    /// <summary>Reserves bytes, evicting for them; false if nothing more can be evicted or it takes too long.</summary>
    public async ValueTask<bool> ReserveAsync(long bytes, CancellationToken cancellationToken)
    {
        if (bytes > _space.LimitBytes)
        {
            return false;
        }

        var time = _options.TimeProvider;
        var began = time.GetTimestamp();
        var futile = 0;
        Interlocked.Add(ref _wantedBytes, bytes);
        try
        {
            while (true)
            {
                Task<bool> round;
                lock (_gate)
                {
                    round = _round.Task;
                }

                if (_space.TryReserve(bytes))
                {
                    return true;
                }

                var left = _options.EvictionWaitMax - time.GetElapsedTime(began);
                _wake.Writer.TryWrite(true);
                // The round under way when we came knows nothing of us, so only the second futile one is an answer.
                if (left <= TimeSpan.Zero
                    || (!await WithinAsync(round, left, cancellationToken) && ++futile == 2))
                {
                    return _space.TryReserve(bytes);
                }
            }
        }
        finally
        {
            Interlocked.Add(ref _wantedBytes, -bytes);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _wake.Writer.TryComplete();
        await _loop;
        lock (_gate)
        {
            _round.TrySetResult(false);
        }

        _stop.Dispose();
    }

    private static TaskCompletionSource<bool> NewRound() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task<bool> WithinAsync(Task<bool> round, TimeSpan left, CancellationToken cancellationToken)
    {
        try
        {
            return await round.WaitAsync(left, _options.TimeProvider, cancellationToken);
        }
        catch (TimeoutException)
        {
            return false; // An answer, not a failure: the tier counts as full.
        }
    }

    private async Task RunAsync()
    {
        while (await _wake.Reader.WaitToReadAsync())
        {
            _wake.Reader.TryRead(out _);
            if (_stop.IsCancellationRequested)
            {
                return;
            }

            var freed = await EvictAsync(BytesNeeded());
            // Wait for readers to leave only while somebody waits for the room; a round that only waits is progress, too.
            var progress = freed > 0 || _space.LeavingBytes > 0;
            if (progress && IsSomebodyShortOfRoom())
            {
                await PauseAsync();
                _wake.Writer.TryWrite(true);
            }

            TaskCompletionSource<bool> ended;
            lock (_gate)
            {
                ended = _round;
                _round = NewRound();
            }

            ended.SetResult(progress || !IsSomebodyShortOfRoom());
        }
    }

    private bool IsSomebodyShortOfRoom() =>
        Volatile.Read(ref _wantedBytes) is var wanted and > 0 && _space.UsedBytes + wanted > _space.LimitBytes;

    private async Task PauseAsync()
    {
        try
        {
            await Task.Delay(PollPeriod, _options.TimeProvider, _stop.Token);
        }
        catch (OperationCanceledException)
        {
            return; // Stopping: the loop looks next.
        }
    }

    private long BytesNeeded()
    {
        var staying = _space.UsedBytes - _space.LeavingBytes;
        var forWaiters = Volatile.Read(ref _wantedBytes) is var wanted and > 0 ? staying + wanted - _space.LimitBytes : 0;
        var ahead = staying > HighMark ? staying - LowMark : 0;
        return Math.Max(forWaiters, ahead);
    }

    private async Task<long> EvictAsync(long bytesNeeded)
    {
        long leaving = 0;
        var recorded = new List<Task>();
        var seen = -1;
        // Each pass asks for more victims than the last, for those already passed over were leased or busy.
        for (var share = 1L; leaving < bytesNeeded; share *= 8)
        {
            var victims = _policy.PickVictims(_host.Files, bytesNeeded * share);
            if (victims.Count <= seen)
            {
                break;
            }

            seen = victims.Count;
            foreach (var victim in victims)
            {
                var (bytes, task) = _host.TryEvict(victim, bytesNeeded - leaving);
                leaving += bytes;
                if (!task.IsCompletedSuccessfully)
                {
                    recorded.Add(task);
                }

                if (leaving >= bytesNeeded)
                {
                    break;
                }
            }
        }

        await Task.WhenAll(recorded);
        return leaving;
    }
}
