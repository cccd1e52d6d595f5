using OrleansCache.Grains.Namespaces;

namespace OrleansCache.Grains.Tests;

public sealed class SingleFlightTests
{
    private readonly SingleFlight<int> _flights = new();
    private int _asked;

    [Fact]
    public async Task Who_asks_the_same_shares_the_answer() => await Turn.RunAsync(async () =>
    {
        var answer = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        var all = Enumerable.Range(0, 5).Select(_ => RunAsync(false, answer.Task)).ToList();
        answer.SetResult(7);
        Assert.All(await Task.WhenAll(all), one => Assert.Equal(7, one));
        Assert.Equal(1, _asked);
        await RunAsync(false, answer.Task);
        Assert.Equal(2, _asked);
        await Task.Yield();
        Assert.Equal(0, _flights.Count);
    });

    [Fact]
    public async Task Who_needs_a_fresh_answer_does_not_share_an_older_question() => await Turn.RunAsync(async () =>
    {
        var first = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        var early = RunAsync(true, first.Task);
        var late = Enumerable.Range(0, 5).Select(_ => RunAsync(true, Task.FromResult(2))).ToList();
        Assert.Equal(1, _asked);
        first.SetResult(1);
        Assert.Equal(1, await early);
        Assert.All(await Task.WhenAll(late), one => Assert.Equal(2, one));
        Assert.InRange(_asked, 2, 6);
    });

    [Fact]
    public async Task A_failed_question_fails_who_shared_it_and_is_forgotten() => await Turn.RunAsync(async () =>
    {
        var answer = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        var one = RunAsync(false, answer.Task);
        var two = RunAsync(true, Task.FromResult(3));
        answer.SetException(new IOException());
        await Assert.ThrowsAsync<IOException>(() => one);
        Assert.Equal(3, await two);
    });

    [Fact]
    public async Task A_caller_that_leaves_does_not_end_the_question() => await Turn.RunAsync(async () =>
    {
        var answer = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var leaving = new CancellationTokenSource();
        var leaver = _flights.RunAsync("k", false, () => Ask(answer.Task), leaving.Token);
        var stayer = RunAsync(false, answer.Task);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaver);
        answer.SetResult(4);
        Assert.Equal(4, await stayer);
        Assert.Equal(1, _asked);
    });

    private Task<int> RunAsync(bool fresh, Task<int> answer) =>
        _flights.RunAsync("k", fresh, () => Ask(answer), CancellationToken.None);

    private Task<int> Ask(Task<int> answer)
    {
        _asked++;
        return answer;
    }
}
