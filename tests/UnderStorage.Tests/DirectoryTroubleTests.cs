using OrleansCache.Files;
using OrleansCache.UnderStorage.Directories;
using OrleansCache.UnderStorage.Faulty;

namespace OrleansCache.UnderStorage.Tests;

public sealed class DirectoryTroubleTests
{
    [Fact]
    public async Task A_hung_job_ends_at_the_callers_deadline_and_others_go_on()
    {
        using var threads = new BlockingThreads("test", maxThreads: 2, maxQueued: 1);
        using var hang = new ManualResetEventSlim();
        var begun = new TaskCompletionSource();
        var hung = new TestJob(() =>
        {
            begun.SetResult();
            hang.Wait();
        });
        await LeaveAsync(threads, hung, begun.Task);

        Assert.Equal(7, await threads.RunAsync(new TestJob(() => { }), -1, TempSource.Soon));
        Assert.Equal(2, threads.ThreadCount);

        // The second thread hangs, too: the queue takes one, the next caller waits outside; both end at their deadlines.
        using var late = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        var waiting = Enumerable.Range(0, 4).Select(_ => threads.RunAsync(new TestJob(() => hang.Wait()), -1, late.Token).AsTask());
        Assert.All(await Task.WhenAll(waiting).WaitAsync(TimeSpan.FromSeconds(10)), result => Assert.Equal(-1, result));
        hang.Set();
        Assert.Equal(7, await threads.RunAsync(new TestJob(() => { }), -1, TempSource.Soon));
    }

    [Fact]
    public async Task A_broken_job_fails_its_own_caller_only()
    {
        using var threads = new BlockingThreads("test", maxThreads: 1, maxQueued: 4);
        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
            await threads.RunAsync(new TestJob(() => throw new InvalidOperationException()), -1, TempSource.Soon));
        Assert.Equal(7, await threads.RunAsync(new TestJob(() => { }), -1, TempSource.Soon));
    }

    [Fact]
    public async Task What_a_caller_left_behind_is_not_touched_any_more()
    {
        using var threads = new BlockingThreads("test", maxThreads: 1, maxQueued: 4);
        using var hang = new ManualResetEventSlim();
        var finished = new TaskCompletionSource<bool>();
        var touched = false;
        var begun = new TaskCompletionSource();
        var job = new TouchingJob(begun, hang, () => touched = true, finished);
        await LeaveAsync(threads, job, begun.Task);
        hang.Set();
        Assert.False(await finished.Task.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.False(touched);
    }

    [Fact]
    public async Task An_already_ended_deadline_is_a_status_not_an_exception()
    {
        await using var source = await TempSource.CreateAsync();
        source.Shell("echo x > f");
        var seen = await source.StatAsync("f");
        var over = new CancellationToken(canceled: true);
        Assert.Equal(ReadStatus.DeadlineExceeded, (await source.Storage.StatAsync("f", over)).Status);
        Assert.Equal(ReadStatus.DeadlineExceeded, (await source.ReadAsync("f", seen, over)).Status);
        Assert.Equal(ReadStatus.DeadlineExceeded, await source.Storage.ListAsync("", _ => { }, over));
    }

    [Fact]
    public async Task The_faulty_wrapper_counts_holds_fails_and_shifts()
    {
        await using var source = await TempSource.CreateAsync();
        source.Shell("echo x > f; echo y > g");
        var faulty = new FaultyUnderStorage(source.Storage);
        var seen = await source.StatAsync("f");
        var bytes = new byte[2];
        Assert.Equal(ReadStatus.Ok, await faulty.ReadAsync("f", seen.Id, seen.Version, 0, bytes, TempSource.Soon));
        faulty.TruncateAt = 1;
        Assert.Equal(ReadStatus.StaleVersion, await faulty.ReadAsync("f", seen.Id, seen.Version, 0, bytes, TempSource.Soon));
        faulty.TruncateAt = null;
        faulty.VersionShiftNs = 5;
        Assert.Equal(seen.Version.ChangedNs + 5, (await faulty.StatAsync("f", TempSource.Soon)).Metadata.Version.ChangedNs);
        Assert.Equal(ReadStatus.StaleVersion, await faulty.ReadAsync("f", seen.Id, seen.Version, 0, bytes, TempSource.Soon));
        faulty.ListingBreaksAfter = 1;
        Assert.Equal(ReadStatus.Unavailable, await faulty.ListAsync("", _ => { }, TempSource.Soon));
        faulty.Hold = Task.Delay(Timeout.Infinite);
        using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(20));
        Assert.Equal(ReadStatus.DeadlineExceeded, (await faulty.ReadLinkAsync("f", deadline.Token)).Status);
        Assert.Equal((1, 1, 3, 1, 2L), (faulty.Stats, faulty.Lists, faulty.Reads, faulty.Links, faulty.ReadBytes));
    }

    private sealed class TestJob(Action work) : BlockingJob<int>
    {
        protected override int Execute(Scratch scratch)
        {
            work();
            return 7;
        }
    }

    /// <summary>A caller that leaves when its job has begun: one nobody waits for any more would not be begun.</summary>
    private static async Task LeaveAsync(BlockingThreads threads, BlockingJob<int> job, Task begun)
    {
        using var leaving = new CancellationTokenSource();
        var running = threads.RunAsync(job, -1, leaving.Token);
        await begun.WaitAsync(TimeSpan.FromSeconds(30));
        await leaving.CancelAsync();
        Assert.Equal(-1, await running);
    }

    private sealed class TouchingJob(
        TaskCompletionSource begun, ManualResetEventSlim hang, Action touch, TaskCompletionSource<bool> finished) : BlockingJob<int>
    {
        protected override int Execute(Scratch scratch)
        {
            begun.SetResult();
            hang.Wait();
            finished.SetResult(WhileCallerWaits(touch, static touch => touch()));
            return 7;
        }
    }
}
