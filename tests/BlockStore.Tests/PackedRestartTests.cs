using System.Buffers.Binary;

namespace OrleansCache.BlockStore.Tests;

/// <summary>Packed objects through restarts, kills, power cuts and changes of format.</summary>
public sealed class PackedRestartTests
{
    private const int Files = 300;

    [Theory]
    [InlineData(32L << 20)] // From the journal.
    [InlineData(1L << 16)] // From a checkpoint and what came after it.
    public async Task Nothing_acknowledged_is_lost_by_a_kill(long checkpointJournalBytes)
    {
        await using var tier = new TestTier { CheckpointJournalBytes = checkpointJournalBytes, BarrierPeriod = TimeSpan.FromMilliseconds(20) };
        await tier.OpenAsync();
        for (var round = 0; round < 8; round++)
        {
            for (var file = 0; file < Files; file++)
            {
                await tier.FillAsync(file, LengthOf(file), 0);
                if (round < 7 && file % 2 == 0)
                {
                    await tier.Store.DropAsync(TestTier.Key(file), CancellationToken.None);
                }
            }
        }

        await TestTier.UntilAsync(() => tier.Store.GetStats().JournalBytes < tier.CheckpointJournalBytes, "a checkpoint");
        await using var killed = await tier.CopyAsKilledAsync();
        await killed.OpenAsync();
        AssertAllThere(killed);
        Assert.Equal((Files, 0), (killed.Store.GetStats().PackedObjects, killed.Store.GetStats().UnprovenBytes));
        await killed.OpenAsync();
        AssertAllThere(killed);
        Assert.Equal(FillStatus.Started, await killed.FillAsync(Files, 100, 0)); // Into a segment of its own.
        AssertAllThere(killed);
    }

    [Fact]
    public async Task After_a_power_cut_what_no_barrier_covered_is_verified_first()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await FillAllAsync(tier, 0, 10);
        await tier.Store.SyncAsync(CancellationToken.None);
        await FillAllAsync(tier, 10, 20);
        await using var rebooted = await tier.CopyAsKilledAsync();
        rebooted.Boot = Guid.NewGuid();
        Damage(rebooted, 12);
        await rebooted.OpenAsync();
        Assert.True(rebooted.Store.GetStats().UnprovenBytes > 0);
        for (var file = 0; file < 20; file++)
        {
            Assert.Equal(file < 10 ? PinStatus.Pinned : PinStatus.Unproven, rebooted.Read(file, 0, LengthOf(file)));
            Assert.Equal(file < 10 ? 0 : 1, rebooted.Store.GetResidency(TestTier.Key(file)).UnprovenBlocks);
        }

        Assert.Equal(FillStatus.Resident, await rebooted.FillAsync(11, LengthOf(11), 0));
        Assert.False(await rebooted.Store.EnsureVerifiedAsync(TestTier.Key(12), 0, 1, CancellationToken.None));
        Assert.Equal(FillStatus.Started, await rebooted.FillAsync(12, LengthOf(12), 0));
        for (var file = 13; file < 20; file++)
        {
            Assert.True(await rebooted.Store.EnsureVerifiedAsync(TestTier.Key(file), 0, 1, CancellationToken.None));
        }

        Assert.True(await rebooted.Store.EnsureVerifiedAsync(TestTier.Key(10), 0, LengthOf(10), CancellationToken.None));
        for (var file = 0; file < 20; file++)
        {
            Assert.Equal(PinStatus.Pinned, rebooted.Read(file, 0, LengthOf(file)));
        }

        Assert.Equal((0, 1), (rebooted.Store.GetStats().UnprovenBytes, rebooted.Store.GetStats().CorruptBlocks));
    }

    [Fact]
    public async Task A_scrub_finds_damage_and_drops_it_for_good()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await FillAllAsync(tier, 0, 5);
        Damage(tier, 3);
        Assert.Equal(new VerifyReport(1, 1), await tier.Store.VerifyAsync(TestTier.Key(3), CancellationToken.None));
        Assert.Equal(new VerifyReport(1, 0), await tier.Store.VerifyAsync(TestTier.Key(2), CancellationToken.None));
        Assert.Equal(PinStatus.Missing, tier.Read(3, 0, 1));
        await using var killed = await tier.CopyAsKilledAsync();
        await killed.OpenAsync();
        Assert.Equal(PinStatus.Missing, killed.Read(3, 0, 1));
        Assert.Equal(4, killed.Store.GetStats().PackedObjects);
    }

    [Fact]
    public async Task Objects_of_a_segment_that_vanished_are_given_up()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await FillAllAsync(tier, 0, 10);
        await tier.CloseAsync();
        await tier.OpenAsync();
        await FillAllAsync(tier, 10, 20);
        await tier.CloseAsync();
        File.Delete(Path.Combine(tier.Root, "packed", "00000000"));
        await File.WriteAllTextAsync(Path.Combine(tier.Root, "packed", "stranger"), "left by somebody");
        for (var round = 0; round < 2; round++)
        {
            await tier.OpenAsync();
            for (var file = 0; file < 20; file++)
            {
                Assert.Equal(file < 10 ? PinStatus.Missing : PinStatus.Pinned, tier.Read(file, 0, LengthOf(file)));
            }
        }

        Assert.False(File.Exists(Path.Combine(tier.Root, "packed", "stranger")));
        Assert.Equal(FillStatus.Started, await tier.FillAsync(1, LengthOf(1), 0));
    }

    [Fact]
    public async Task A_segment_that_lost_its_end_serves_no_hole()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await FillAllAsync(tier, 0, 10);
        await tier.CloseAsync();
        var segment = Path.Combine(tier.Root, "packed", "00000000");
        using (var file = File.OpenWrite(segment))
        {
            file.SetLength(20_000);
        }

        await tier.OpenAsync();
        for (var file = 0; file < 10; file++)
        {
            var isThere = await tier.Store.EnsureVerifiedAsync(TestTier.Key(file), 0, LengthOf(file), CancellationToken.None);
            Assert.Equal(isThere ? PinStatus.Pinned : PinStatus.Missing, tier.Read(file, 0, LengthOf(file)));
        }

        Assert.InRange(tier.Store.GetStats().PackedObjects, 1, 9);
    }

    /// <summary>The bytes of version 1: its format file, its checkpoint without the part of packed objects, its records.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_tier_of_version_1_is_opened_and_its_small_files_are_served_as_they_are(bool hasCheckpoint)
    {
        await using var tier = new TestTier { PackedMaxBytes = 0 };
        await tier.OpenAsync();
        await FillAllAsync(tier, 0, 10);
        await tier.FillAllAsync(50, 3L * TestTier.BlockSize);
        await using var old = await tier.CopyAsKilledAsync();
        await tier.CloseAsync();
        old.PackedMaxBytes = 64 << 10;
        if (hasCheckpoint)
        {
            Processes.Run("cp", "-a", Path.Combine(tier.Root, "."), old.Root);
            MakeVersion1(Path.Combine(old.Root, "checkpoint"));
        }

        Directory.Delete(Path.Combine(old.Root, "packed"));
        var format = Path.Combine(old.Root, "format");
        await File.WriteAllTextAsync(format, (await File.ReadAllTextAsync(format)).Replace("version 2", "version 1", StringComparison.Ordinal));
        for (var round = 0; round < 2; round++)
        {
            await old.OpenAsync();
            for (var file = 0; file < 10; file++)
            {
                Assert.Equal(PinStatus.Pinned, old.Read(file, 0, LengthOf(file)));
                Assert.Equal(FillStatus.Resident, await old.FillAsync(file, LengthOf(file), 0));
            }

            Assert.Equal(PinStatus.Pinned, old.Read(50, 0, 3 * TestTier.BlockSize));
            Assert.Equal(round == 0 ? 0 : 1, old.Store.GetStats().PackedObjects);
            Assert.Equal(round == 0 ? FillStatus.Started : FillStatus.Resident, await old.FillAsync(20, LengthOf(20), 0));
            Assert.Equal(PinStatus.Pinned, old.Read(20, 0, LengthOf(20)));
            await old.CloseAsync();
        }

        Assert.Contains("version 2", await File.ReadAllTextAsync(format), StringComparison.Ordinal);
    }

    private static int LengthOf(int file) => 1000 + ((file * 997) % 20_000);

    private static async Task FillAllAsync(TestTier tier, int first, int end)
    {
        for (var file = first; file < end; file++)
        {
            Assert.Equal(FillStatus.Started, await tier.FillAsync(file, LengthOf(file), 0));
        }
    }

    private static void AssertAllThere(TestTier tier)
    {
        for (var file = 0; file < Files; file++)
        {
            Assert.Equal(PinStatus.Pinned, tier.Read(file, 0, LengthOf(file)));
        }
    }

    /// <summary>Changes bytes of an object wherever it lies: its pattern is looked for.</summary>
    private static void Damage(TestTier tier, int file)
    {
        var wanted = new byte[64];
        PowerCut.Pattern.Fill(TestTier.Key(file), 0, wanted);
        foreach (var path in Directory.EnumerateFiles(Path.Combine(tier.Root, "packed")))
        {
            var at = File.ReadAllBytes(path).AsSpan().IndexOf(wanted);
            if (at >= 0)
            {
                using var segment = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
                segment.Position = at + 3;
                segment.Write(new byte[10]);
                return;
            }
        }

        Assert.Fail($"no bytes of file {file} were found");
    }

    private static void MakeVersion1(string checkpoint)
    {
        const int NoPackedObjects = sizeof(uint) + 48, Checksum = sizeof(uint), VersionAt = 8;
        var bytes = File.ReadAllBytes(checkpoint)[..^(NoPackedObjects + Checksum)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(VersionAt), 1);
        Array.Resize(ref bytes, bytes.Length + Checksum);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(bytes.Length - Checksum), Crc32C.Compute(bytes.AsSpan(0, bytes.Length - Checksum)));
        File.WriteAllBytes(checkpoint, bytes);
    }
}
