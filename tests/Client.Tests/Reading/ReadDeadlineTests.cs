using OrleansCache.Reading;

namespace OrleansCache.Client.Tests.Reading;

/// <summary>Deadlines are used again; no reader feels the one before.</summary>
public sealed class ReadDeadlineTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(10);

    private readonly ReadDeadlines _deadlines = new(TimeProvider.System);

    [Fact]
    public async Task One_that_ended_well_is_used_again_as_new()
    {
        using var firstCaller = new CancellationTokenSource();
        var first = _deadlines.Begin(Long, firstCaller.Token);
        await first.PauseAsync();
        await first.PauseAsync();
        var token = first.Token;
        Assert.Equal(3, first.Effort.Attempts);
        first.Dispose();

        var second = _deadlines.Begin(Long, default);
        Assert.Same(first, second);
        Assert.Equal(1, second.Effort.Attempts);
        Assert.True(second.Effort.Elapsed < Long);
        await firstCaller.CancelAsync();
        Assert.False(second.Token.IsCancellationRequested || second.IsOver || token.IsCancellationRequested);
        second.Dispose();
    }

    [Fact]
    public async Task What_was_registered_by_one_reader_is_not_called_for_the_next()
    {
        var called = 0;
        var first = _deadlines.Begin(Long, default);
        first.Token.Register(() => called++);
        first.Dispose();
        using var caller = new CancellationTokenSource();
        using var second = _deadlines.Begin(Long, caller.Token);
        Assert.Same(first, second);
        await caller.CancelAsync();
        Assert.True(second.Token.IsCancellationRequested);
        Assert.Equal(0, called);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task One_that_was_cancelled_or_late_is_not_used_again(bool isLate)
    {
        using var caller = new CancellationTokenSource();
        var first = _deadlines.Begin(isLate ? TimeSpan.FromMilliseconds(1) : Long, caller.Token);
        if (!isLate)
        {
            await caller.CancelAsync();
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.Delay(Long, first.Token));
        Assert.Equal(isLate, first.IsOver);
        first.Dispose();
        using var second = _deadlines.Begin(Long, default);
        Assert.NotSame(first, second);
        Assert.False(second.Token.IsCancellationRequested);
    }

    [Fact]
    public async Task Callers_that_cancel_at_the_last_moment_end_nobody_elses_wait()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (var round = 0; round < 2000; round++)
            {
                using var caller = new CancellationTokenSource();
                Task cancelling;
                using (_deadlines.Begin(Long, caller.Token))
                {
                    cancelling = Task.Run(caller.Cancel);
                    await Task.Yield();
                }

                using (var next = _deadlines.Begin(Long, default))
                {
                    await cancelling;
                    Assert.False(next.Token.IsCancellationRequested, $"round {round}");
                }
            }
        })));
    }
}
