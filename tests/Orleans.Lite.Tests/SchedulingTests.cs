using Orleans;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;

namespace OrleansCache.Orleans.Lite.Tests;

/// <summary>Turns and requests: who waits for whom.</summary>
public sealed class SchedulingTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private static int _keys;

    [Theory, InlineData("tcp"), InlineData("silo")]
    public async Task A_request_ends_before_the_next_begins(string side)
    {
        var (grain, gate) = New(side);
        var first = grain.Block(gate);
        await Gate.Of(gate).Entered;
        var second = grain.Count();
        await grain.Always();
        Assert.False(second.IsCompleted);
        Gate.Of(gate).Open();
        Assert.Equal(1, await second);
        await first;
    }

    [Theory, InlineData("tcp"), InlineData("silo")]
    public async Task Always_interleave_passes_a_running_request(string side)
    {
        var (grain, gate) = New(side);
        var first = grain.Block(gate);
        await Gate.Of(gate).Entered;
        Assert.Equal(0, await grain.Always());
        Gate.Of(gate).Open();
        await first;
    }

    [Fact]
    public async Task Read_only_calls_interleave_with_each_other_only()
    {
        var (grain, gate) = New("tcp");
        var reading = grain.BlockReading(gate);
        await Gate.Of(gate).Entered;
        Assert.Equal(0, await grain.Read());
        var writing = grain.Count();
        await grain.Always();
        Assert.False(writing.IsCompleted);
        Gate.Of(gate).Open();
        await writing;
        await reading;

        var block = grain.Block(gate + "w");
        await Gate.Of(gate + "w").Entered;
        var read = grain.Read();
        await grain.Always();
        Assert.False(read.IsCompleted);
        Gate.Of(gate + "w").Open();
        Assert.Equal(1, await read);
        await block;
    }

    [Fact]
    public async Task The_may_interleave_predicate_decides_per_call()
    {
        var (grain, gate) = New("tcp");
        var first = grain.Block(gate);
        await Gate.Of(gate).Entered;
        Assert.Equal(101, await grain.MaybeInterleave(101));
        var waits = grain.MaybeInterleave(100);
        await grain.Always();
        Assert.False(waits.IsCompleted);
        Gate.Of(gate).Open();
        Assert.Equal(100, await waits);
        await first;
    }

    [Fact]
    public async Task A_reentrant_class_interleaves_at_awaits()
    {
        var grain = cluster.From("tcp").GetGrain<IReentrantGrain>("r");
        var first = grain.Block("reentrant");
        await Gate.Of("reentrant").Entered;
        Assert.Equal(1, await grain.Free());
        Gate.Of("reentrant").Open();
        await first;
    }

    [Fact]
    public async Task A_call_back_into_a_waiting_grain_times_out_and_does_not_succeed()
    {
        var (a, _) = New("tcp");
        var (b, _) = New("tcp");
        var exception = await Assert.ThrowsAsync<TimeoutException>(() => a.CallThrough(b, a));
        Assert.Contains("IBusyGrain.", exception.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData("tcp"), InlineData("silo")]
    public async Task After_a_timeout_the_callee_goes_on(string side)
    {
        var (grain, gate) = New(side);
        await grain.Always(); // active: a request that has not begun when its time is up would not begin
        var exception = await Assert.ThrowsAsync<TimeoutException>(() => grain.BlockBriefly(gate));
        Assert.Contains("unknown", exception.Message, StringComparison.Ordinal);
        Assert.Contains(grain.GetGrainId().ToString(), exception.Message, StringComparison.Ordinal);
        Gate.Of(gate).Open();
        Assert.Equal(1, await grain.Count());
    }

    [Theory, InlineData("tcp"), InlineData("silo")]
    public async Task A_request_nobody_waits_for_any_more_is_dropped(string side)
    {
        var (grain, gate) = New(side);
        var first = grain.Block(gate);
        await Gate.Of(gate).Entered;
        await Assert.ThrowsAsync<TimeoutException>(() => grain.BlockBriefly(gate + "never"));
        Gate.Of(gate).Open();
        await first;
        Assert.Equal(1, await grain.Count());
        Assert.False(Gate.Of(gate + "never").IsEntered);
    }

    [Theory, InlineData("tcp"), InlineData("silo")]
    public async Task Cancelling_reaches_the_callee_and_the_caller_does_not_wait_for_it(string side)
    {
        var (grain, gate) = New(side);
        using var source = new CancellationTokenSource();
        var call = grain.WaitForCancellation(gate, source.Token);
        await Gate.Of(gate + ".in").Entered;
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call).WaitAsync(TestHost.Patience);
        await Gate.Of(gate + ".cancelled").Entered;
    }

    [Theory, InlineData("tcp"), InlineData("silo")]
    public async Task A_cancelled_request_that_still_waits_never_runs(string side)
    {
        var (grain, gate) = New(side);
        var first = grain.Block(gate);
        await Gate.Of(gate).Entered;
        using var source = new CancellationTokenSource();
        var call = grain.WaitForCancellation(gate + "x", source.Token);
        await grain.Always(); // The first request and this one went out in order; both are at the silo now.
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await grain.Always();
        Gate.Of(gate).Open();
        await first;
        await grain.Count();
        Assert.False(Gate.Of(gate + "x.in").IsEntered);
    }

    [Fact]
    public async Task Continuations_run_on_the_activation_s_scheduler()
    {
        var (grain, _) = New("tcp");
        Assert.True(await grain.StaysOnScheduler());
    }

    [Fact]
    public async Task The_queue_of_an_activation_is_bounded()
    {
        using var silo = await TestHost.SiloAsync(0, builder => builder
            .Configure<SiloMessagingOptions>(options => options.MaxEnqueuedRequestsHardLimit = 3));
        var grain = silo.Grains().GetGrain<IBusyGrain>("bounded");
        var first = grain.Block("bounded");
        await Gate.Of("bounded").Entered;
        var waiting = Enumerable.Range(0, 3).Select(_ => grain.Count()).ToList();
        var exception = await Assert.ThrowsAsync<LimitExceededException>(() => grain.Count());
        Assert.Contains("not run", exception.Message, StringComparison.Ordinal);
        Gate.Of("bounded").Open();
        await Task.WhenAll(waiting.Append(first));
        await silo.StopAndDisposeAsync();
    }

    [Fact]
    public async Task Shuffle_mode_permutes_requests_and_loses_none()
    {
        using var silo = await TestHost.SiloAsync(0, builder => builder
            .Configure<SchedulingOptions>(options => options.ShuffleSeed = 12345));
        var grain = silo.Grains().GetGrain<IBusyGrain>("shuffled");
        await Task.WhenAll(Enumerable.Range(0, 200).Select(grain.Append)).WaitAsync(TestHost.Patience);
        var log = await grain.Log();
        Assert.NotEqual(Enumerable.Range(0, 200), log);
        Assert.Equal(Enumerable.Range(0, 200), log.Order());
        Assert.Contains(TestLog.Lines, line => line.Contains("seed 12345", StringComparison.Ordinal));
        await silo.StopAndDisposeAsync();
    }

    private (IBusyGrain Grain, string Gate) New(string side)
    {
        var name = $"busy-{side}-{Interlocked.Increment(ref _keys)}";
        return (cluster.From(side).GetGrain<IBusyGrain>(name), name);
    }
}
