namespace OrleansCache.BlockStore.Tests;

/// <summary>What somebody else did to a cache file, or the disk: never other bytes, never a store that stands still.</summary>
public sealed class LostFileTests
{
    [Fact]
    public async Task A_cache_file_that_vanished_is_given_up_when_a_fill_opens_it()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAsync(1, 2L * TestTier.BlockSize, 0);
        await tier.OpenAsync();
        File.Delete(tier.PathOf(1));

        Assert.Equal(FillStatus.Started, await tier.FillAsync(1, 2L * TestTier.BlockSize, 1));

        Assert.Equal(PinStatus.Missing, tier.Read(1, 0, 1));
        Assert.Equal(PinStatus.Pinned, tier.Read(1, TestTier.BlockSize, TestTier.BlockSize));
    }

    [Fact]
    public async Task A_cache_file_that_cannot_be_opened_is_a_miss_and_does_not_end_eviction()
    {
        await using var tier = new TestTier(2L << 20) { EvictionWaitMax = TimeSpan.FromSeconds(30) };
        await tier.OpenAsync();
        await tier.FillAsync(1, TestTier.BlockSize, 0);
        await tier.OpenAsync();
        PutDirectoryInPlaceOf(tier, 1);

        for (var file = 2; file < 30; file++)
        {
            Assert.Equal(FillStatus.Started, await tier.FillAsync(file, TestTier.BlockSize, 0));
        }

        Assert.Equal(PinStatus.Missing, tier.Read(1, 0, 1));
        Assert.True(tier.Store.GetStats().BlocksEvicted > 0);
    }

    [Fact]
    public async Task A_file_whose_name_cannot_be_freed_refuses_fills()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAsync(1, TestTier.BlockSize, 0);
        await tier.OpenAsync();
        PutDirectoryInPlaceOf(tier, 1);
        await tier.Store.DropAsync(TestTier.Key(1), CancellationToken.None).AsTask().WaitAsync(TestTier.Limit);

        // On a thread of its own: what this guards against is a loop that never waits.
        var attempt = await Task.Run(
            async () => await tier.Store.BeginFillAsync(TestTier.Request(1, TestTier.BlockSize, 0), CancellationToken.None))
            .WaitAsync(TestTier.Limit);

        Assert.Equal(FillStatus.Unavailable, attempt.Status);
        Assert.False(tier.Store.GetStats().Healthy);
    }

    private static void PutDirectoryInPlaceOf(TestTier tier, int file)
    {
        File.Delete(tier.PathOf(file));
        Directory.CreateDirectory(tier.PathOf(file));
    }
}
