using OrleansCache.Fuse.FileSystem;

namespace OrleansCache.Fuse.Tests.FileSystem;

public sealed class ReadAdmissionTests
{
    /// <summary>docs/SEMANTICS.md 5.2.</summary>
    [Fact]
    public async Task What_is_over_the_bound_waits_its_turn_in_order()
    {
        var admission = new ReadAdmission(readsMax: 2, bytesMax: 100);
        await admission.EnterAsync(60, CancellationToken.None);
        var big = admission.EnterAsync(60, CancellationToken.None).AsTask();
        var small = admission.EnterAsync(1, CancellationToken.None).AsTask();
        Assert.False(big.IsCompleted);
        Assert.False(small.IsCompleted); // Room it would have, but nobody overtakes.
        admission.Exit(60);
        await big.WaitAsync(TimeSpan.FromSeconds(10));
        await small.WaitAsync(TimeSpan.FromSeconds(10));
        var third = admission.EnterAsync(1, CancellationToken.None).AsTask();
        Assert.False(third.IsCompleted); // By number.
        admission.Exit(1);
        await third.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(2, admission.ReadsInFlight);
    }

    [Fact]
    public async Task A_read_larger_than_all_the_room_comes_in_alone()
    {
        var admission = new ReadAdmission(readsMax: 4, bytesMax: 10);
        await admission.EnterAsync(1000, CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(10));
        Assert.False(admission.EnterAsync(1, CancellationToken.None).AsTask().IsCompleted);
        admission.Exit(1000);
    }

    [Fact]
    public async Task Who_is_cancelled_leaves_the_queue_and_takes_nothing()
    {
        var admission = new ReadAdmission(readsMax: 1, bytesMax: 100);
        await admission.EnterAsync(1, CancellationToken.None);
        using var cancellation = new CancellationTokenSource();
        var waiting = admission.EnterAsync(1, cancellation.Token).AsTask();
        var next = admission.EnterAsync(1, CancellationToken.None).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal(1, admission.Waiting);
        admission.Exit(1);
        await next.WaitAsync(TimeSpan.FromSeconds(10));
        admission.Exit(1);
        Assert.Equal(0, admission.ReadsInFlight);
    }
}
