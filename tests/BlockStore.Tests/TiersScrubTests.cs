using OrleansCache.BlockStore.Tests.Faults;

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

    /// <summary>A pause is of a millisecond at least: without an account of what is owed small blocks would cost none.</summary>
    [Fact]
    public async Task Small_blocks_are_read_at_the_rate_too()
    {
        const int Size = 512, Count = 100;
        var time = new StoppedTime();
        await using var disks = new TestDisks { Time = time };
        var disk = disks.Add();
        await disks.OpenAsync();
        for (var file = 0; file < Count; file++)
        {
            Assert.Equal(FillStatus.Started, await disks.FillAsync(file, Size, 0));
        }

        await disks.OpenAsync(scrubBytesPerSecond: 1 << 20);
        await TestTier.UntilAsync(() => time.Timers > 0, "the scrub to pause");
        Assert.InRange(disks.StatusOf(disk).ScrubbedBytes, Size, Size * Count / 2); // 10 ms are 10 KiB.
    }

    [Fact]
    public async Task A_scrub_that_cannot_read_where_it_was_begins_anew()
    {
        await using var disks = new TestDisks();
        var io = new FaultyDiskIo(1);
        var disk = disks.Add(io: io);
        await disks.OpenAsync();
        Assert.Equal(FillStatus.Started, await disks.FillAsync(1, TestTier.BlockSize, 0));
        await disks.OpenAsync(scrubBytesPerSecond: 1L << 40);
        await TestTier.UntilAsync(() => File.Exists(Path.Combine(disk, "scrub")), "the scrub to remember where it is");
        io.Rules = [new(DiskCall.Read, FaultKind.Fail) { Path = "/scrub" }];
        await disks.OpenAsync(scrubBytesPerSecond: 1L << 40);
        await TestTier.UntilAsync(() => disks.StatusOf(disk).ScrubbedBytes > 0, "the block to be read");
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

    /// <summary>A clock whose timers never fire.</summary>
    private sealed class StoppedTime : TimeProvider
    {
        private int _timers;

        public int Timers => Volatile.Read(ref _timers);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Interlocked.Increment(ref _timers);
            return base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
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
