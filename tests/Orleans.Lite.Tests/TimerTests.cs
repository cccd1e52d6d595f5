using Orleans;
using Orleans.Runtime;

namespace OrleansCache.Orleans.Lite.Tests;

/// <summary>Timers of grains.</summary>
public sealed class TimerTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private static int _keys;

    [Fact]
    public async Task Callbacks_never_overlap_even_when_they_are_slower_than_the_period()
    {
        var grain = New();
        await grain.Start(dueMs: 0, periodMs: 1, workMs: 30, interleave: true, keepAlive: true);
        await FiredAsync(grain, 4);
        Assert.Equal(1, (await grain.Result()).MaxOverlap);
        await grain.Stop();
    }

    [Fact]
    public async Task An_infinite_period_fires_once()
    {
        var grain = New();
        await grain.Start(dueMs: 0, periodMs: -1, workMs: 0, interleave: false, keepAlive: false);
        var other = New();
        await other.Start(dueMs: 0, periodMs: 5, workMs: 0, interleave: false, keepAlive: false);
        await FiredAsync(other, 10);
        Assert.Equal(1, await grain.Fired());
    }

    [Fact]
    public async Task A_callback_waits_for_the_running_request_unless_it_interleaves()
    {
        var (waits, passes) = (New(), New());
        await waits.Start(20, 20, 0, interleave: false, keepAlive: true);
        await passes.Start(20, 20, 0, interleave: true, keepAlive: true);
        var gate = "timer-" + waits.GetPrimaryKeyString();
        var blockWaits = waits.BlockHere(gate + "w");
        var blockPasses = passes.BlockHere(gate + "p");
        await Task.WhenAll(Gate.Of(gate + "w").Entered, Gate.Of(gate + "p").Entered);
        var before = await waits.Fired();
        await FiredAsync(passes, await passes.Fired() + 3);
        Assert.Equal(before, await waits.Fired());
        Gate.Of(gate + "w").Open();
        Gate.Of(gate + "p").Open();
        await Task.WhenAll(blockWaits, blockPasses);
        await FiredAsync(waits, before + 1);
    }

    [Fact]
    public async Task A_running_callback_blocks_calls_that_do_not_interleave()
    {
        var grain = New();
        var gate = "blocking-" + grain.GetPrimaryKeyString();
        await grain.StartBlocking(gate);
        await Gate.Of(gate).Entered;
        var call = grain.Result();
        await grain.Fired();
        Assert.False(call.IsCompleted);
        Gate.Of(gate).Open();
        await call;
    }

    [Fact]
    public async Task A_timer_does_not_keep_its_grain_alive_and_ends_with_it()
    {
        var grain = New();
        await grain.Start(dueMs: 0, periodMs: 20, workMs: 0, interleave: false, keepAlive: false);
        var deadline = DateTime.UtcNow + TestHost.Patience;
        var catalog = (Catalog)cluster.Silo.Services.GetService(typeof(Catalog))!;
        while (catalog.TryGet(grain.GetGrainId(), out _))
        {
            Assert.True(DateTime.UtcNow < deadline, "the timer kept its grain alive");
            await Task.Delay(10);
        }

        Assert.Equal(0, await grain.Fired()); // A new activation without a timer.
    }

    private static async Task FiredAsync(ITimerGrain grain, int times)
    {
        var deadline = DateTime.UtcNow + TestHost.Patience;
        while (await grain.Fired() < times)
        {
            Assert.True(DateTime.UtcNow < deadline, $"the timer fired {await grain.Fired()} times, expected {times}");
            await Task.Delay(5);
        }
    }

    private ITimerGrain New() => cluster.From("tcp").GetGrain<ITimerGrain>($"timer-{Interlocked.Increment(ref _keys)}");
}
