namespace OrleansCache.BlockStore.Tests;

/// <summary>Blocks that go bad while nobody reads them.</summary>
public sealed class TiersScrubTests
{
    /// <summary>docs/SEMANTICS.md 11.4: the scrub finds what went bad.</summary>
    [Fact]
    public async Task The_scrub_finds_a_flipped_byte_and_drops_its_block_only()
    {
        await using var disks = new TestDisks();
        var disk = disks.Add();
        await disks.OpenAsync();
        for (var file = 0; file < 8; file++)
        {
            Assert.Equal(FillStatus.Started, await disks.FillAsync(file, 2 * TestTier.BlockSize, 0));
            Assert.Equal(FillStatus.Started, await disks.FillAsync(file, 2 * TestTier.BlockSize, 1));
        }

        await disks.CloseAsync();
        Flip(Path.Combine(disk, "files", TestDisks.NameOf(TestTier.Key(5))), TestTier.BlockSize + 12345);
        await disks.OpenAsync(scrubBytesPerSecond: 1L << 40);
        await TestTier.UntilAsync(() => disks.Store.GetStats().CorruptBlocks > 0, "the scrub to find the bad block");
        await TestTier.UntilAsync(
            () => disks.StatusOf(disk).ScrubbedBytes >= 16 * TestTier.BlockSize, "the scrub to have read all blocks");
        Assert.Equal(PinStatus.Missing, disks.Read(5, TestTier.BlockSize, 100));
        Assert.Equal(PinStatus.Pinned, disks.Read(5, 0, TestTier.BlockSize));
        Assert.Equal(15, disks.Store.GetStats().Blocks);
        Assert.Equal(FillStatus.Started, await disks.FillAsync(5, 2 * TestTier.BlockSize, 1));
        Assert.Equal(PinStatus.Pinned, disks.Read(5, 0, 2 * TestTier.BlockSize));
    }

    [Fact]
    public async Task Without_a_rate_nothing_is_read()
    {
        await using var disks = new TestDisks();
        var disk = disks.Add();
        await disks.OpenAsync();
        await disks.FillAsync(1, TestTier.BlockSize, 0);
        await disks.OpenAsync(scrubBytesPerSecond: 0);
        Assert.Equal(0, disks.StatusOf(disk).ScrubbedBytes);
        Assert.False(File.Exists(Path.Combine(disk, "scrub")));
    }

    private static void Flip(string path, long offset)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        var one = new byte[1];
        RandomAccess.Read(file, one, offset);
        one[0] ^= 0x10;
        RandomAccess.Write(file, one, offset);
    }
}
