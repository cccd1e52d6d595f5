using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Blocks;
using OrleansCache.Files;
using OrleansCache.Silo.Filling;
using OrleansCache.Silo.Tests.Fakes;

namespace OrleansCache.Silo.Tests.Filling;

/// <summary>How few grain calls filling costs.</summary>
public sealed class GrantCacheTests
{
    private readonly ManualTime _time = new();
    private readonly List<string> _asked = [];
    private Func<ValueTask<FillGrant>> _answer = () => new(new FillGrant(true, null, TimeSpan.FromSeconds(5)));

    [Fact]
    public async Task A_grant_in_use_is_renewed_at_half_its_time_without_making_anybody_wait()
    {
        var cache = Create();
        await Acquire(cache, 0);
        _time.Advance(TimeSpan.FromSeconds(2));
        await Acquire(cache, 1);
        Assert.Equal(1, Asked);
        _time.Advance(TimeSpan.FromSeconds(1));
        var pending = new TaskCompletionSource<FillGrant>();
        _answer = () => new(pending.Task);
        Assert.Equal(GrantOutcome.Granted, await Acquire(cache, 2));
        Assert.Equal(GrantOutcome.Granted, await Acquire(cache, 3));
        await ServingBench.UntilAsync(() => Asked == 2, "the renewal was asked for");
        pending.SetResult(new FillGrant(true, null, TimeSpan.FromSeconds(5)));
        await ServingBench.UntilAsync(
            () =>
            {
                // Asked for at 3 s, so it holds to 8 s: the old one ended at 5 s.
                _time.Advance(TimeSpan.Zero);
                return Acquire(cache, 4).IsCompletedSuccessfully;
            },
            "the renewal holds");
        Assert.Equal(2, Asked);
    }

    [Fact]
    public async Task A_grant_that_is_over_is_asked_for_again()
    {
        var cache = Create();
        await Acquire(cache, 0);
        _time.Advance(TimeSpan.FromSeconds(6));
        await Acquire(cache, 0);
        Assert.Equal(2, Asked);
    }

    [Fact]
    public async Task Runs_are_asked_for_apart_and_all_at_once_only_once()
    {
        var cache = Create();
        var pending = new TaskCompletionSource<FillGrant>();
        _answer = () => new(pending.Task);
        var waiting = Enumerable.Range(0, 128).Select(index => Acquire(cache, index)).ToArray();
        pending.SetResult(new FillGrant(true, null, TimeSpan.FromSeconds(5)));
        await Task.WhenAll(waiting).WaitAsync(ServingBench.Soon);
        Assert.Equal(2, Asked);
    }

    [Fact]
    public async Task A_run_that_another_silo_fills_is_not_granted()
    {
        var cache = Create();
        _answer = () => new(new FillGrant(false, "other", TimeSpan.FromSeconds(5)));
        Assert.Equal(GrantOutcome.HeldElsewhere, await Acquire(cache, 0));
        Assert.Equal(GrantOutcome.HeldElsewhere, await Acquire(cache, 0));
        Assert.Equal(2, Asked);
    }

    [Fact]
    public async Task No_answer_ends_at_the_deadline()
    {
        var cache = Create();
        _answer = () => new(new TaskCompletionSource<FillGrant>().Task);
        var waiting = Acquire(cache, 0);
        await ServingBench.UntilAsync(() => Asked == 1, "the grain was asked");
        _time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(GrantOutcome.Unanswered, await waiting.WaitAsync(ServingBench.Soon));
    }

    [Fact]
    public async Task It_remembers_no_more_runs_than_it_may()
    {
        var cache = Create(new FillOptions { GrantsMax = 16 });
        for (ulong file = 0; file < 1000; file++)
        {
            await cache.AcquireAsync(new BlockId(new FileKey(file, file), 0), 64, default);
        }

        Assert.Equal(1000, Asked);
        Assert.True(cache.Runs <= 16);
    }

    private int Asked
    {
        get
        {
            lock (_asked)
            {
                return _asked.Count;
            }
        }
    }

    private GrantCache Create(FillOptions? options = null) => new(
        (run, _, _) =>
        {
            lock (_asked)
            {
                _asked.Add(run);
            }

            return _answer();
        },
        options ?? new FillOptions(), _time, NullLogger<GrantCache>.Instance);

    private static BlockId Block(int index) => new(new FileKey(3, 4), index);

    private static Task<GrantOutcome> Acquire(GrantCache cache, int index) =>
        cache.AcquireAsync(Block(index), 128, default).AsTask();
}
