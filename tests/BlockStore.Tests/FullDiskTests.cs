namespace OrleansCache.BlockStore.Tests;

/// <summary>A disk that others fill, too.</summary>
public sealed class FullDiskTests
{
    [PowerCutFact]
    public async Task A_full_disk_fails_the_fill_with_its_reason_and_eviction_makes_room()
    {
        using var disk = new LoopDisk();
        var point = disk.Create(Path.Combine(disk.Root, "small.img"), "small", 48, ["mkfs.ext4", "-q", "-F"]);
        await using (var tier = new TestTier(24L << 20, Directory.CreateDirectory(Path.Combine(point, "tier")).FullName))
        {
            await tier.OpenAsync();
            for (var file = 0; file < 8; file++)
            {
                await tier.FillAsync(file, TestTier.BlockSize, 0);
            }

            Assert.NotEqual(0, Processes.TryRun("dd", "if=/dev/zero", $"of={point}/foreign", "bs=4096").Code);
            var attempt = await tier.Store.BeginFillAsync(TestTier.Request(20, TestTier.BlockSize, 0), CancellationToken.None);
            if (attempt.Fill is { } fill) // Unless the store has seen the full disk by itself already.
            {
                var waiting = attempt.Progress!.WaitArrivedAsync(TestTier.BlockSize, CancellationToken.None).AsTask();
                Assert.False(TestTier.WriteAll(fill, TestTier.Key(20)));
                Assert.Equal(FillFailure.NoSpace, await waiting.WaitAsync(TestTier.Limit));
            }

            // The disk is full, not broken: older blocks make room for new ones.
            await TestTier.UntilAsync(() => TryFill(tier), "a fill to succeed on the full disk");
            Assert.True(tier.Store.GetStats().Healthy);
            Assert.True(tier.Store.GetStats().BlocksEvicted > 0);
        }

        disk.Unmount(point);
    }

    private static bool TryFill(TestTier tier) => Task.Run(async () =>
    {
        var attempt = await tier.Store.BeginFillAsync(TestTier.Request(21, TestTier.BlockSize, 0), CancellationToken.None);
        using var fill = attempt.Fill;
        return fill is not null && TestTier.WriteAll(fill, TestTier.Key(21)) && await fill.CompleteAsync(CancellationToken.None);
    }).WaitAsync(TestTier.Limit).GetAwaiter().GetResult();
}
