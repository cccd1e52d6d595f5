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

            Assert.True(await FillUntilNoSpaceAsync(tier, point), "no fill met the full disk");

            // The disk is full, not broken: older blocks make room for new ones.
            await TestTier.UntilAsync(() => TryFill(tier), "a fill to succeed on the full disk");
            Assert.True(tier.Store.GetStats().Healthy);
            Assert.True(tier.Store.GetStats().BlocksEvicted > 0);
        }

        disk.Unmount(point);
    }

    /// <summary>
    /// Fills a block on a disk that somebody else has just filled up, until one fails for want of space. The store may see the
    /// full disk by itself and make room first: that is right, too, and then the other fills the disk again.
    /// </summary>
    private static async Task<bool> FillUntilNoSpaceAsync(TestTier tier, string point)
    {
        for (var file = 20; file < 30; file++)
        {
            var attempt = await tier.Store.BeginFillAsync(TestTier.Request(file, TestTier.BlockSize, 0), CancellationToken.None);
            Assert.NotEqual(
                0, Processes.TryRun("dd", "if=/dev/zero", $"of={point}/foreign", "bs=4096", "oflag=append", "conv=notrunc").Code);
            if (attempt.Fill is not { } fill)
            {
                continue;
            }

            using (fill)
            {
                var waiting = attempt.Progress!.WaitArrivedAsync(TestTier.BlockSize, CancellationToken.None).AsTask();
                if (!TestTier.WriteAll(fill, TestTier.Key(file)))
                {
                    Assert.Equal(FillFailure.NoSpace, await waiting.WaitAsync(TestTier.Limit));
                    return true;
                }
            }
        }

        return false;
    }

    private static bool TryFill(TestTier tier) => Task.Run(async () =>
    {
        var attempt = await tier.Store.BeginFillAsync(TestTier.Request(31, TestTier.BlockSize, 0), CancellationToken.None);
        using var fill = attempt.Fill;
        return fill is not null && TestTier.WriteAll(fill, TestTier.Key(31)) && await fill.CompleteAsync(CancellationToken.None);
    }).WaitAsync(TestTier.Limit).GetAwaiter().GetResult();
}
