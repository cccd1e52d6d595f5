using System.Threading.Channels;
using OrleansCache.Files;

namespace OrleansCache.BlockStore.Eviction;

/// <summary>
/// Makes room: for fills that wait, and ahead of them once the tier is nearly full. One loop, rounds of one journal
/// commit each; the bytes come back through the <see cref="Reaper"/> when their readers have left.
/// </summary>
internal sealed class Evictor : IAsyncDisposable
{
    private static readonly TimeSpan PollPeriod = TimeSpan.FromMilliseconds(2);

    private readonly CacheItems _items;
    private readonly TierSpace _space;
    private readonly BlockStoreOptions _options;
    private readonly Lock _gate = new();
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private TaskCompletionSource<bool> _round = NewRound();
    private long _wantedBytes;
    private int _quotaWaiters;
    private volatile bool _quotaMoves;

    public Evictor(CacheItems items, TierSpace space, BlockStoreOptions options)
    {
        _items = items;
        _space = space;
        _options = options;
        _loop = Task.Run(RunAsync);
    }

    private long HighMark => (long)(_space.LimitBytes * _options.EvictAboveShare);

    private long LowMark => (long)(_space.LimitBytes * _options.EvictDownToShare);

    /// <summary>The tier is fuller than it should be, or somebody waits for room.</summary>
    public bool IsShortOfRoom => _space.UsedBytes > HighMark || IsSomebodyShortOfRoom();

    /// <summary>Looks whether the tier, or what a source has of it, is fuller than it should be; cheap.</summary>
    public void Nudge()
    {
        if (_space.UsedBytes - _space.LeavingBytes > HighMark || _items.IsAnyOverQuota)
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

    /// <summary>Waits until a source is within its quota; false if it stays above: what it has is in use.</summary>
    public async ValueTask<bool> AwaitQuotaAsync(SourceId source, CancellationToken cancellationToken)
    {
        var time = _options.TimeProvider;
        var began = time.GetTimestamp();
        Interlocked.Increment(ref _quotaWaiters);
        try
        {
            for (var futile = 0; futile < 2;) // The round under way when we came may have looked before.
            {
                Task<bool> round;
                lock (_gate)
                {
                    round = _round.Task;
                }

                var left = _options.EvictionWaitMax - time.GetElapsedTime(began);
                if (left <= TimeSpan.Zero || !_items.IsOverQuota(source))
                {
                    break;
                }

                _wake.Writer.TryWrite(true);
                await WithinAsync(round, left, cancellationToken);
                futile += _quotaMoves ? 0 : 1;
            }

            return !_items.IsOverQuota(source);
        }
        finally
        {
            Interlocked.Decrement(ref _quotaWaiters);
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

            var needed = BytesNeeded();
            var (freed, quotaMoves) = await EvictAsync();
            _quotaMoves = quotaMoves;
            // Wait for readers to leave only while somebody waits for the room; a round that only waits is progress, too.
            var progress = needed <= 0 || freed > 0 || _space.LeavingBytes > 0;
            if ((progress && IsSomebodyShortOfRoom()) || (quotaMoves && Volatile.Read(ref _quotaWaiters) > 0))
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

    /// <summary>What is leaving by this round, and whether sources over their quotas gave something or will soon.</summary>
    private async Task<(long LeavingBytes, bool QuotaMoves)> EvictAsync()
    {
        var recorded = new List<Task>();
        var (overQuota, soon) = Evict(_items.OverQuotaBytes(), overQuota: true, recorded);
        var (leaving, _) = Evict(BytesNeeded(), overQuota: false, recorded);
        await Task.WhenAll(recorded);
        return (overQuota + leaving, overQuota + soon > 0);
    }

    /// <summary>
    /// Each item is looked at about once at most: those in use go to the end of their queue, so none is in the way of the next
    /// round.
    /// </summary>
    private (long LeavingBytes, long SoonBytes) Evict(long bytesWanted, bool overQuota, List<Task> recorded)
    {
        long leaving = 0, soon = 0;
        var victims = new List<uint>();
        var toFront = new List<uint>();
        _items.BeginRound();
        while (leaving + soon < bytesWanted)
        {
            victims.Clear();
            _items.Pick(bytesWanted - leaving - soon, overQuota, victims);
            if (victims.Count == 0)
            {
                break;
            }

            foreach (var victim in victims)
            {
                var wanted = bytesWanted - leaving - soon;
                var bytesBefore = _items.BytesOf(victim);
                var (bytes, task) = wanted > 0 ? _items.OwnerOf(victim).TryEvict(victim, wanted) : default;
                if (wanted <= 0 || bytes > 0)
                {
                    leaving += bytes;
                    toFront.Add(victim); // Gone, or partly; or not needed.
                }
                else if (!task.IsCompleted)
                {
                    soon += bytesBefore; // Another part of it is leaving: its turn comes in the next round.
                    toFront.Add(victim);
                    continue;
                }
                else
                {
                    _items.Settle(victim, first: false);
                }

                if (task is { IsCompletedSuccessfully: false })
                {
                    recorded.Add(task);
                }
            }
        }

        for (var i = toFront.Count - 1; i >= 0; i--)
        {
            _items.Settle(toFront[i], first: true);
        }

        return (leaving, soon);
    }
}
