namespace OrleansCache.BlockStore.Tests;

/// <summary>What a restart of the silo, and of the machine, finds.</summary>
public sealed class RestartTests
{
    private static readonly long Length = (3L * TestTier.BlockSize) + 4321;

    [Fact]
    public async Task A_closed_store_has_everything_when_it_is_opened_again()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        await tier.FillAsync(2, Length, 1);
        var used = tier.Store.GetStats().UsedBytes;
        await tier.OpenAsync();
        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, (int)Length));
        Assert.Equal(PinStatus.Pinned, tier.Read(2, TestTier.BlockSize, TestTier.BlockSize));
        Assert.Equal(PinStatus.Missing, tier.Read(2, 0, 1));
        var stats = tier.Store.GetStats();
        Assert.Equal((used, 5, 2, 0), (stats.UsedBytes, stats.Blocks, stats.Files, stats.UnprovenBytes));
    }

    [Fact]
    public async Task A_killed_store_has_everything_acknowledged_without_verification()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        await tier.FillAllAsync(2, Length);
        await tier.Store.DropAsync(TestTier.Key(2), CancellationToken.None);
        await tier.FillAsync(2, Length, 3);
        await using var killed = await tier.CopyAsKilledAsync();
        await killed.OpenAsync();
        Assert.Equal(PinStatus.Pinned, killed.Read(1, 0, (int)Length));
        Assert.Equal(PinStatus.Missing, killed.Read(2, 0, 1));
        Assert.Equal(PinStatus.Pinned, killed.Read(2, 3 * TestTier.BlockSize, 4321));
        Assert.Equal(0, killed.Store.GetStats().UnprovenBytes);
        Assert.Equal(0, killed.Store.GetStats().VerifiedBlocks);
    }

    [Fact]
    public async Task Checkpoints_truncate_the_journal_and_lose_nothing()
    {
        await using var tier = new TestTier(256L << 20);
        var options = tier.Options();
        options = new BlockStoreOptions
        {
            Directory = options.Directory,
            CapacityBytes = options.CapacityBytes,
            FreeSpaceFloorBytes = 0,
            ReadBootId = options.ReadBootId,
            BarrierPeriod = TimeSpan.FromMilliseconds(20),
            CheckpointJournalBytes = 1 << 16,
        };
        await tier.OpenAsync(options);
        for (var round = 0; round < 12; round++)
        {
            for (var file = 0; file < 40; file++)
            {
                await tier.FillAsync(file, 5000 + file, 0);
                if (round < 11)
                {
                    await tier.Store.DropAsync(TestTier.Key(file), CancellationToken.None);
                }
            }
        }

        await TestTier.UntilAsync(() => tier.Store.GetStats().JournalBytes < 1 << 16, "a checkpoint");
        await using var killed = await tier.CopyAsKilledAsync();
        await killed.OpenAsync();
        for (var file = 0; file < 40; file++)
        {
            Assert.Equal(PinStatus.Pinned, killed.Read(file, 0, 5000 + file));
        }

        Assert.Equal(40, killed.Store.GetStats().Blocks);
    }

    [Fact]
    public async Task After_a_restart_of_the_machine_unsynced_blocks_are_verified_before_use()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAsync(1, Length, 0);
        await tier.Store.SyncAsync(CancellationToken.None);
        await tier.FillAsync(1, Length, 1);
        await tier.FillAsync(1, Length, 2);
        await using var rebooted = await tier.CopyAsKilledAsync();
        rebooted.Boot = Guid.NewGuid();
        await rebooted.OpenAsync();

        Assert.Equal(PinStatus.Pinned, rebooted.Read(1, 0, TestTier.BlockSize));
        Assert.Equal(PinStatus.Unproven, rebooted.Read(1, TestTier.BlockSize, 10));
        Assert.Equal(1, rebooted.Store.GetResidency(TestTier.Key(1)).ResidentBlocks);
        Assert.Equal(2, rebooted.Store.GetResidency(TestTier.Key(1)).UnprovenBlocks);
        Assert.True(await rebooted.Store.EnsureVerifiedAsync(TestTier.Key(1), TestTier.BlockSize, 10, CancellationToken.None));
        Assert.Equal(PinStatus.Pinned, rebooted.Read(1, TestTier.BlockSize, TestTier.BlockSize));
        Assert.Equal(FillStatus.Resident, await rebooted.FillAsync(1, Length, 2));
        Assert.Equal(PinStatus.Pinned, rebooted.Read(1, 0, 3 * TestTier.BlockSize));
        Assert.Equal((2, 0), (rebooted.Store.GetStats().VerifiedBlocks, rebooted.Store.GetStats().CorruptBlocks));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_a_restart_of_the_machine_bad_bytes_are_found_counted_and_fetched_again(bool zeroed)
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        await using var rebooted = await tier.CopyAsKilledAsync();
        rebooted.Boot = Guid.NewGuid();
        Damage(rebooted.PathOf(1), TestTier.BlockSize + 70_000, zeroed);
        await rebooted.OpenAsync();

        Assert.Equal(LeaseStatus.Missing, rebooted.Store.TryLease(TestTier.Key(1), out _));
        Assert.False(await rebooted.Store.EnsureVerifiedAsync(TestTier.Key(1), 0, Length, CancellationToken.None));
        Assert.Equal(PinStatus.Missing, rebooted.Read(1, TestTier.BlockSize, 10));
        Assert.Equal(PinStatus.Pinned, rebooted.Read(1, 0, 10));
        Assert.Equal(1, rebooted.Store.GetStats().CorruptBlocks);
        Assert.Equal(FillStatus.Started, await rebooted.FillAsync(1, Length, 1));
        Assert.Equal(PinStatus.Pinned, rebooted.Read(1, 0, (int)Length));
        await rebooted.OpenAsync();
        Assert.Equal(PinStatus.Pinned, rebooted.Read(1, 0, (int)Length));
    }

    [Fact]
    public async Task A_cache_file_cut_short_by_a_power_cut_is_never_served_as_zeros()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        await using var rebooted = await tier.CopyAsKilledAsync();
        rebooted.Boot = Guid.NewGuid();
        using (var file = File.OpenWrite(rebooted.PathOf(1)))
        {
            file.SetLength(TestTier.BlockSize + 100);
        }

        await rebooted.OpenAsync();
        for (var block = 0; block < 4; block++)
        {
            var expected = block == 0 ? FillStatus.Resident : FillStatus.Started;
            Assert.Equal(expected, await rebooted.FillAsync(1, Length, block));
        }

        Assert.Equal(PinStatus.Pinned, rebooted.Read(1, 0, (int)Length));
        Assert.Equal(3, rebooted.Store.GetStats().CorruptBlocks);
    }

    [Fact]
    public async Task A_store_told_to_trust_no_reboot_verifies_synced_blocks_too()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        await tier.CloseAsync();
        Damage(tier.PathOf(1), 5, zeroed: false);
        tier.Boot = Guid.NewGuid();
        await tier.OpenAsync(new BlockStoreOptions
        {
            Directory = tier.Root,
            CapacityBytes = tier.CapacityBytes,
            TrustAfterReboot = RebootTrust.Nothing,
            ReadBootId = () => tier.Boot,
        });
        Assert.Equal(PinStatus.Unproven, tier.Read(1, 0, 10));
        Assert.Equal(FillStatus.Started, await tier.FillAsync(1, Length, 0));
        Assert.Equal(1, tier.Store.GetStats().CorruptBlocks);
    }

    [Fact]
    public async Task A_scrub_finds_bad_bytes_and_drops_them()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        Assert.Equal(new VerifyReport(4, 0), await tier.Store.VerifyAsync(TestTier.Key(1), CancellationToken.None));
        Damage(tier.PathOf(1), Length - 1, zeroed: false);
        Assert.Equal(new VerifyReport(4, 1), await tier.Store.VerifyAsync(TestTier.Key(1), CancellationToken.None));
        Assert.Equal(PinStatus.Missing, tier.Read(1, 3 * TestTier.BlockSize, 1));
    }

    [Fact]
    public async Task A_vanished_cache_file_is_given_up_and_a_strange_one_deleted()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        await tier.FillAllAsync(2, Length);
        await tier.CloseAsync();
        File.Delete(tier.PathOf(1));
        await File.WriteAllTextAsync(tier.PathOf(3), "left by a crash");
        await tier.OpenAsync();
        Assert.Equal(PinStatus.Missing, tier.Read(1, 0, 1));
        Assert.Equal(PinStatus.Pinned, tier.Read(2, 0, (int)Length));
        Assert.False(File.Exists(tier.PathOf(3)));
        Assert.Equal(FillStatus.Started, await tier.FillAsync(1, Length, 0));
    }

    [Theory]
    [InlineData("checkpoint")]
    [InlineData("journal/segment.00000000")]
    [InlineData("journal/commits")]
    public async Task A_damaged_index_costs_the_cache_at_most_and_never_wrong_bytes(string file)
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        await tier.OpenAsync();
        await tier.FillAllAsync(2, Length);
        await using var damaged = await tier.CopyAsKilledAsync();
        var path = Path.Combine(damaged.Root, file);
        var bytes = await File.ReadAllBytesAsync(path);
        for (var i = 70; i < Math.Min(bytes.Length, 40_000); i += 97)
        {
            bytes[i] ^= 0x5A;
        }

        await File.WriteAllBytesAsync(path, bytes);
        await damaged.OpenAsync();
        foreach (var key in new[] { 1, 2 })
        {
            for (var block = 0; block < 4; block++)
            {
                await damaged.FillAsync(key, Length, block);
            }

            Assert.Equal(PinStatus.Pinned, damaged.Read(key, 0, (int)Length));
        }

        await damaged.OpenAsync();
        Assert.Equal(PinStatus.Pinned, damaged.Read(2, 0, (int)Length));
    }

    [Fact]
    public async Task After_a_failed_sync_even_the_same_boot_is_not_believed()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        await using var killed = await tier.CopyAsKilledAsync();
        await File.WriteAllTextAsync(Path.Combine(killed.Root, "distrust"), string.Empty); // What a failed syncfs leaves.
        Damage(killed.PathOf(1), 10, zeroed: true);
        await killed.OpenAsync();
        Assert.Equal(PinStatus.Unproven, killed.Read(1, 0, 10));
        await killed.OpenAsync(); // The distrust is in the checkpoint now.
        Assert.Equal(FillStatus.Started, await killed.FillAsync(1, Length, 0));
        Assert.Equal(FillStatus.Resident, await killed.FillAsync(1, Length, 1));
        Assert.Equal(1, killed.Store.GetStats().CorruptBlocks);
    }

    private static void Damage(string path, long offset, bool zeroed)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = offset;
        var old = (byte)file.ReadByte();
        file.Position = offset;
        if (zeroed)
        {
            file.Write(new byte[4096]);
        }
        else
        {
            file.WriteByte((byte)~old);
        }
    }
}
