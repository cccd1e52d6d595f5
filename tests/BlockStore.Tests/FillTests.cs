using OrleansCache.PowerCut;

namespace OrleansCache.BlockStore.Tests;

public sealed class FillTests
{
    [Fact]
    public async Task A_filled_block_is_resident_and_reads_back()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        var length = (2L * TestTier.BlockSize) + 777;
        await tier.FillAllAsync(1, length);
        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, (int)length));
        Assert.Equal(PinStatus.Pinned, tier.Read(1, TestTier.BlockSize - 8, 16));
        Assert.True(tier.Store.GetResidency(TestTier.Key(1)).IsComplete);
        Assert.Equal(FillStatus.Resident, await tier.FillAsync(1, length, 2));
        Assert.Equal(length, new FileInfo(tier.PathOf(1)).Length);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(tier.PathOf(1)));
    }

    [Fact]
    public async Task A_block_that_was_not_filled_is_missing()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAsync(1, 3L * TestTier.BlockSize, 1);
        Assert.Equal(PinStatus.Missing, tier.Read(1, 0, 10));
        Assert.Equal(PinStatus.Missing, tier.Read(1, TestTier.BlockSize, TestTier.BlockSize + 1));
        Assert.Equal(PinStatus.Pinned, tier.Read(1, TestTier.BlockSize, TestTier.BlockSize));
        Assert.Equal(PinStatus.Missing, tier.Read(2, 0, 10));
        Assert.False(tier.Store.GetResidency(TestTier.Key(1)).IsComplete);
        Assert.True(tier.Store.GetResidency(TestTier.Key(1)).Has(1));
    }

    [Fact]
    public async Task Only_one_of_many_callers_fills_and_the_others_cut_through()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        var request = TestTier.Request(1, TestTier.BlockSize, 0);
        var attempts = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ =>
            Task.Run(async () => await tier.Store.BeginFillAsync(request, CancellationToken.None))));
        var owner = Assert.Single(attempts, attempt => attempt.Status == FillStatus.Started);
        Assert.Equal(15, attempts.Count(attempt => attempt.Status == FillStatus.InFlight));
        var reader = attempts.First(attempt => attempt.Status == FillStatus.InFlight).Progress!;

        var bytes = new byte[TestTier.BlockSize];
        Pattern.Fill(TestTier.Key(1), 0, bytes);
        var half = reader.WaitArrivedAsync(1000, CancellationToken.None).AsTask();
        Assert.False(half.IsCompleted);
        Assert.False(reader.TryPinArrived(0, 1, out _));
        Assert.True(owner.Fill!.Write(0, bytes.AsSpan(0, 1000)));
        Assert.Equal(FillFailure.None, await half.WaitAsync(TestTier.Limit));
        Assert.True(reader.TryPinArrived(0, 1000, out var pin));
        using (pin)
        {
            TestTier.AssertBytes(TestTier.Key(1), 0, pin);
        }

        Assert.False(reader.TryPinArrived(0, 1001, out _));
        Assert.Equal(PinStatus.Missing, tier.Read(1, 0, 1000));
        Assert.True(owner.Fill.Write(1000, bytes.AsSpan(1000)));
        Assert.True(await owner.Fill.CompleteAsync(CancellationToken.None));
        Assert.Equal(FillFailure.None, await reader.WaitCompletedAsync(CancellationToken.None));
        Assert.True(reader.TryPinArrived(0, TestTier.BlockSize, out var whole));
        whole.Dispose();
        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, TestTier.BlockSize));
    }

    [Fact]
    public async Task An_aborted_fill_tells_its_readers_why_and_can_be_tried_again()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        var request = TestTier.Request(1, TestTier.BlockSize, 0);
        var first = await tier.Store.BeginFillAsync(request, CancellationToken.None);
        var second = await tier.Store.BeginFillAsync(request, CancellationToken.None);
        Assert.True(first.Fill!.Write(0, new byte[5000]));
        Assert.True(second.Progress!.TryPinArrived(0, 5000, out var pin));
        var waiting = second.Progress.WaitArrivedAsync(6000, CancellationToken.None).AsTask();
        first.Fill.Abort(FillFailure.VersionChanged);
        Assert.Equal(FillFailure.VersionChanged, await waiting.WaitAsync(TestTier.Limit));
        Assert.Equal(FillFailure.VersionChanged, await second.Progress.WaitCompletedAsync(CancellationToken.None));
        Assert.False(first.Fill.Write(5000, new byte[1]));
        Assert.False(second.Progress.TryPinArrived(0, 1, out _));

        // The bytes stay until the reader has left, so a new fill of the block waits for it.
        var again = tier.FillAsync(1, TestTier.BlockSize, 0);
        Assert.NotSame(again, await Task.WhenAny(again, Task.Delay(50)));
        pin.Dispose();
        Assert.Equal(FillStatus.Started, await again);
        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, TestTier.BlockSize));
    }

    [Fact]
    public async Task A_disposed_fill_is_abandoned_and_leaves_nothing()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        var attempt = await tier.Store.BeginFillAsync(TestTier.Request(1, TestTier.BlockSize, 0), CancellationToken.None);
        Assert.True(attempt.Fill!.Write(0, new byte[5000]));
        attempt.Fill.Dispose();
        Assert.Equal(FillFailure.Abandoned, attempt.Progress!.Failure);
        await TestTier.UntilAsync(() => tier.Store.GetStats().UsedBytes == 0 && !File.Exists(tier.PathOf(1)), "the space to return");
    }

    [Fact]
    public async Task A_request_that_contradicts_the_file_is_a_mismatch()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAsync(1, TestTier.BlockSize, 0);
        foreach (var request in new[]
        {
            TestTier.Request(1, TestTier.BlockSize + 1, 0), TestTier.Request(2, TestTier.BlockSize, 1),
            TestTier.Request(2, TestTier.BlockSize, -1), TestTier.Request(2, 0, 0), TestTier.Request(2, -5, 0),
            TestTier.Request(2, long.MaxValue, 0), TestTier.Request(2, 5, 0) with { Layout = new(3) },
        })
        {
            Assert.Equal(FillStatus.Mismatch, (await tier.Store.BeginFillAsync(request, CancellationToken.None)).Status);
        }

        Assert.Equal(1, tier.Store.GetStats().Files);
    }

    [Fact]
    public async Task Warm_pins_allocate_nothing()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAsync(1, TestTier.BlockSize, 0);
        var key = TestTier.Key(1);
        static void Pins(IBlockStore store, Files.FileKey key)
        {
            for (var i = 0; i < 1000; i++)
            {
                Assert.Equal(PinStatus.Pinned, store.TryPin(key, i, 4096, out var pin));
                pin.Dispose();
                store.Touch(key);
            }
        }

        Pins(tier.Store, key);
        await Task.Delay(200); // Lets the tiered compiler finish: its own allocations are not ours.
        Pins(tier.Store, key);
        var store = tier.Store;
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            store.TryPin(key, i, 4096, out var pin);
            pin.Dispose();
            store.Touch(key);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
