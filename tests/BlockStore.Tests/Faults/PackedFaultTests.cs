namespace OrleansCache.BlockStore.Tests.Faults;

/// <summary>Compaction on a disk that fails: what it would have moved is served where it is.</summary>
public sealed class PackedFaultTests
{
    private const int Files = 400;

    [Fact]
    public async Task Without_a_descriptor_compaction_waits_and_the_disk_stays_in_use()
    {
        var io = new FaultyDiskIo(1);
        await using var tier = new TestTier(16L << 20) { Io = io };
        await FillAsync(tier);
        io.Rules = [new(DiskCall.Open, FaultKind.Fail) { Path = "/packed/", Errno = FaultRule.TooManyFiles }];
        await DropSevenOfEightAsync(tier);
        await TestTier.UntilAsync(() => io.Strikes > 0, "compaction to need a descriptor");
        AssertTheRestIsServed(tier);
        Assert.True(tier.Store.GetStats().Healthy);

        io.Rules = [];
        await TestTier.UntilAsync(() => tier.Store.GetStats().PackedSegments <= 3, "compaction to go on");
        AssertTheRestIsServed(tier);
    }

    [Theory]
    [InlineData(nameof(DiskCall.Write))]
    [InlineData(nameof(DiskCall.Sync))]
    public async Task A_move_that_fails_moves_nothing_and_loses_nothing(string call)
    {
        var io = new FaultyDiskIo(1);
        await using var tier = new TestTier(16L << 20) { Io = io };
        await FillAsync(tier);
        io.Rules = [new(Enum.Parse<DiskCall>(call), FaultKind.Fail) { Path = "/packed/" }];
        await DropSevenOfEightAsync(tier);
        await TestTier.UntilAsync(() => !tier.Store.GetStats().Healthy, "compaction to fail");
        AssertTheRestIsServed(tier);

        io.Rules = [];
        await tier.OpenAsync();
        for (var file = 0; file < Files; file += 8)
        {
            Assert.True(await tier.Store.EnsureVerifiedAsync(TestTier.Key(file), 0, LengthOf(file), CancellationToken.None), $"{file}");
        }

        AssertTheRestIsServed(tier);
    }

    [Fact]
    public async Task An_object_that_a_reader_could_not_read_is_compared_before_it_is_given_again()
    {
        var io = new FaultyDiskIo(1);
        await using var tier = new TestTier(16L << 20) { Io = io };
        await FillAsync(tier);
        tier.Store.Doubt(TestTier.Key(1), 0, 1);
        tier.Store.Doubt(TestTier.Key(Files), 0, 1);
        Assert.Equal(PinStatus.Unproven, tier.Read(1, 0, 1));
        Assert.Equal(PinStatus.Pinned, tier.Read(2, 0, LengthOf(2)));
        Assert.Equal(FillStatus.Resident, await tier.FillAsync(1, LengthOf(1), 0));
        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, LengthOf(1)));

        tier.Store.Doubt(TestTier.Key(1), 0, 1);
        io.Rules = [new(DiskCall.Read, FaultKind.Fail) { Path = "/packed/" }];
        Assert.False(await tier.Store.EnsureVerifiedAsync(TestTier.Key(1), 0, LengthOf(1), CancellationToken.None));
        io.Rules = [];
        Assert.Equal(PinStatus.Missing, tier.Read(1, 0, 1));
        Assert.Equal(FillStatus.Started, await tier.FillAsync(1, LengthOf(1), 0));
        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, LengthOf(1)));
    }

    private static async Task FillAsync(TestTier tier)
    {
        await tier.OpenAsync();
        for (var file = 0; file < Files; file++)
        {
            Assert.Equal(FillStatus.Started, await tier.FillAsync(file, LengthOf(file), 0));
        }
    }

    private static async Task DropSevenOfEightAsync(TestTier tier)
    {
        for (var file = 0; file < Files; file++)
        {
            if (file % 8 != 0)
            {
                await tier.Store.DropAsync(TestTier.Key(file), CancellationToken.None);
            }
        }
    }

    private static void AssertTheRestIsServed(TestTier tier)
    {
        for (var file = 0; file < Files; file += 8)
        {
            Assert.Equal(PinStatus.Pinned, tier.Read(file, 0, LengthOf(file)));
        }

        Assert.Equal(0, tier.Store.GetStats().CorruptBlocks);
    }

    private static int LengthOf(int file) => 10_000 + ((file * 7919) % 20_000);
}
