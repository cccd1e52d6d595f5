using OrleansCache.BlockStore.Tests.Faults;
using OrleansCache.BlockStore.Tiers;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore.Tests;

/// <summary>Several disks of a silo, and what happens when they come and go.</summary>
public sealed class TiersDiskTests
{
    private const int Files = 40;

    /// <summary>docs/SEMANTICS.md 11.1: a file lies on one disk.</summary>
    [Fact]
    public async Task A_file_lies_on_one_disk_and_each_disk_gets_its_share()
    {
        await using var disks = new TestDisks();
        string[] directories = [disks.Add(), disks.Add(), disks.Add()];
        await disks.OpenAsync();
        await FillAllAsync(disks);
        Assert.All(Enumerable.Range(0, Files), file => Assert.Single(disks.HoldersOf(file)));
        Assert.All(directories, directory => Assert.Contains(Enumerable.Range(0, Files), file => disks.HoldersOf(file).Contains(directory)));
        Assert.Equal(Files * 2, disks.Store.GetStats().Blocks);
        var generations = Enumerable.Range(0, Files).Select(file => disks.Store.GetResidency(TestTier.Key(file)).Generation);
        Assert.Equal(Files, generations.Distinct().Count());

        await disks.OpenAsync();
        Assert.All(Enumerable.Range(0, Files), file => Assert.Equal(PinStatus.Pinned, disks.Read(file, 0, 2 * TestTier.BlockSize)));
    }

    /// <summary>docs/SEMANTICS.md 11.2: a disk taken out takes its own blocks with it, and brings them back.</summary>
    [Fact]
    public async Task A_disk_taken_out_takes_its_own_blocks_with_it_and_brings_them_back()
    {
        await using var disks = new TestDisks();
        var one = disks.Add();
        disks.Add();
        await disks.OpenAsync();
        await FillAllAsync(disks);
        var onOne = Enumerable.Range(0, Files).ToLookup(file => disks.HoldersOf(file).Single() == one);

        Assert.Equal(DiskChange.Done, disks.Store.TakeOut(one));
        Assert.Equal(DiskChange.Done, disks.Store.TakeOut(one));
        Assert.Equal((DiskState.Out, null), (disks.StatusOf(one).State, disks.StatusOf(one).Stats));
        Assert.All(onOne[true], file => Assert.Equal(PinStatus.Missing, disks.Read(file, 0, TestTier.BlockSize)));
        Assert.All(onOne[false], file => Assert.Equal(PinStatus.Pinned, disks.Read(file, 0, 2 * TestTier.BlockSize)));
        var again = onOne[true].First();
        Assert.Equal(FillStatus.Started, await disks.FillAsync(again, 2 * TestTier.BlockSize, 0));
        Assert.Equal(PinStatus.Pinned, disks.Read(again, 0, TestTier.BlockSize));

        Assert.Equal(DiskChange.Done, await disks.Store.PutInAsync(one, CancellationToken.None));
        Assert.Equal(DiskState.In, disks.StatusOf(one).State);
        Assert.All(Enumerable.Range(0, Files), file => Assert.Equal(PinStatus.Pinned, disks.Read(file, 0, 2 * TestTier.BlockSize)));
        Assert.Equal(0, disks.Store.GetStats().UnprovenBytes);
        Assert.Equal(DiskChange.Unknown, disks.Store.TakeOut("/no/such/disk"));
        Assert.Equal(DiskChange.Unknown, await disks.Store.PutInAsync("/no/such/disk", CancellationToken.None));
    }

    /// <summary>docs/SEMANTICS.md 11.2: what was dropped while a disk was out is not served from it later.</summary>
    [Fact]
    public async Task What_is_dropped_while_its_disk_is_out_is_gone_when_it_is_put_in_again()
    {
        await using var disks = new TestDisks();
        var io = new FaultyDiskIo(seed: 1);
        var one = disks.Add(io: io);
        disks.Add();
        await disks.OpenAsync();
        await FillAllAsync(disks);
        var onOne = Enumerable.Range(0, Files).Where(file => disks.HoldersOf(file).Single() == one).ToList();
        disks.Store.TakeOut(one);
        await disks.Store.DropAsync(TestTier.Key(onOne[0]), CancellationToken.None);
        Assert.Equal(FillStatus.Started, await disks.FillAsync(onOne[1], 2 * TestTier.BlockSize, 0));
        await disks.Store.DropAsync(TestTier.Key(onOne[1]), CancellationToken.None);

        // A disk that fails before it has dropped them has missed them still.
        io.Rules = [new(DiskCall.Write, FaultKind.Fail) { Path = "segment." }];
        Assert.Equal(DiskChange.Refused, await disks.Store.PutInAsync(one, CancellationToken.None).WaitAsync(TestTier.Limit));
        io.Rules = [];
        Assert.Equal(DiskChange.Done, await disks.Store.PutInAsync(one, CancellationToken.None).WaitAsync(TestTier.Limit));
        foreach (var file in onOne)
        {
            await disks.Store.EnsureVerifiedAsync(TestTier.Key(file), 0, 2 * TestTier.BlockSize, CancellationToken.None);
        }

        Assert.All(onOne[..2], file => Assert.Equal(PinStatus.Missing, disks.Read(file, 0, 1)));
        Assert.All(onOne[2..], file => Assert.Equal(PinStatus.Pinned, disks.Read(file, 0, 2 * TestTier.BlockSize)));

        disks.Store.TakeOut(one);
        await disks.Store.DropSourceAsync(new Files.SourceId(1), CancellationToken.None);
        Assert.Equal(DiskChange.Done, await disks.Store.PutInAsync(one, CancellationToken.None).WaitAsync(TestTier.Limit));
        Assert.Equal(0, disks.Store.GetStats().Blocks);
    }

    [Fact]
    public async Task Past_the_drops_that_are_remembered_all_of_a_disk_counts_as_dropped()
    {
        await using var disks = new TestDisks();
        var one = disks.Add();
        await disks.OpenAsync();
        await FillAllAsync(disks);
        disks.Store.TakeOut(one);
        for (var file = Files; file <= Files + MissedDrops.FilesMax; file++)
        {
            await disks.Store.DropAsync(TestTier.Key(file), CancellationToken.None);
        }

        Assert.Equal(DiskChange.Done, await disks.Store.PutInAsync(one, CancellationToken.None));
        Assert.Equal(0, disks.Store.GetStats().Blocks);
    }

    [Fact]
    public async Task A_disk_that_is_put_in_knows_the_quotas_and_the_others_share_them_with_it()
    {
        await using var disks = new TestDisks();
        var one = disks.Add(capacityBytes: 32L << 20);
        disks.Add(capacityBytes: 32L << 20);
        await disks.OpenAsync();
        disks.Store.TakeOut(one);
        disks.Store.SetSource(new Files.SourceId(1), new SourceCaching(Namespaces.EvictionKind.Lru, 8L << 20));
        Assert.Equal(DiskChange.Done, await disks.Store.PutInAsync(one, CancellationToken.None));
        for (var file = 0; file < 100; file++)
        {
            Assert.Equal(FillStatus.Started, await disks.FillAsync(file, TestTier.BlockSize, 0));
        }

        await TestTier.UntilAsync(
            () => disks.Store.Disks.All(disk => disk.Stats!.ResidentBytes <= 4L << 20), "each disk to be within its half of the quota");
    }

    [Fact]
    public async Task Whoever_reads_from_a_disk_that_is_taken_out_reads_on_and_it_comes_back_after_that()
    {
        await using var disks = new TestDisks();
        var one = disks.Add();
        await disks.OpenAsync();
        await FillAllAsync(disks);
        Assert.Equal(PinStatus.Pinned, disks.Store.TryPin(TestTier.Key(3), 0, 2 * TestTier.BlockSize, out var pin));
        Assert.Equal(LeaseStatus.Leased, disks.Store.TryLease(TestTier.Key(4), out var lease));
        disks.Store.TakeOut(one);
        Assert.Equal(LeaseStatus.Missing, disks.Store.TryLease(TestTier.Key(5), out _));
        var putIn = disks.Store.PutInAsync(one, CancellationToken.None);
        TestTier.AssertBytes(TestTier.Key(3), 0, pin);
        Assert.False(putIn.IsCompleted);
        pin.Dispose();
        Assert.Equal(DiskChange.Done, await putIn.WaitAsync(TestTier.Limit));
        Assert.Equal(PinStatus.Pinned, disks.Read(3, 0, TestTier.BlockSize));
        var bytes = new byte[TestTier.BlockSize];
        RandomAccess.Read(lease!.Handle, bytes, 0);
        Assert.True(PowerCut.Pattern.Matches(TestTier.Key(4), 0, bytes));
        lease.Dispose();
    }

    /// <summary>docs/SEMANTICS.md 11.3: with every disk out nothing is cached and nothing breaks.</summary>
    [Fact]
    public async Task With_every_disk_out_nothing_is_there_and_no_fill_begins()
    {
        await using var disks = new TestDisks();
        string[] both = [disks.Add(), disks.Add()];
        await disks.OpenAsync();
        await FillAllAsync(disks);
        Assert.All(both, disk => Assert.Equal(DiskChange.Done, disks.Store.TakeOut(disk)));
        Assert.Equal(PinStatus.Missing, disks.Read(1, 0, 10));
        Assert.Equal(FillStatus.Unavailable, await disks.FillAsync(1, 2 * TestTier.BlockSize, 0));
        Assert.Equal(LeaseStatus.Missing, disks.Store.TryLease(TestTier.Key(1), out _));
        Assert.Equal(0, disks.Store.GetResidency(TestTier.Key(1)).BlockCount);
        Assert.False(await disks.Store.EnsureVerifiedAsync(TestTier.Key(1), 0, 10, CancellationToken.None));
        disks.Store.Touch(TestTier.Key(1));
        await disks.Store.SyncAsync(CancellationToken.None);
        Assert.Equal((false, 0), (disks.Store.GetStats().Healthy, disks.Store.GetStats().Blocks));
        Assert.Empty(disks.Store.EnumerateFiles());
        foreach (var disk in both)
        {
            Assert.Equal(DiskChange.Done, await disks.Store.PutInAsync(disk, CancellationToken.None));
        }

        Assert.Equal(PinStatus.Pinned, disks.Read(1, 0, 2 * TestTier.BlockSize));
    }

    /// <summary>docs/SEMANTICS.md 11.2: a disk that fails is out at once; what is left on it is proven before it is served.</summary>
    [Fact]
    public async Task A_disk_that_fails_is_taken_out_and_what_is_left_is_proven_before_it_is_served()
    {
        await using var disks = new TestDisks();
        var broken = new FaultyDiskIo(seed: 1);
        var one = disks.Add(io: broken);
        disks.Add();
        await disks.OpenAsync();
        await FillAllAsync(disks);
        var onOne = Enumerable.Range(0, Files).ToLookup(file => disks.HoldersOf(file).Single() == one);
        var spoiled = onOne[true].First();
        var kept = onOne[true].Last();

        broken.Rules = [.. Enum.GetValues<DiskCall>().Select(call => new FaultRule(call, FaultKind.Fail))];
        for (var file = Files; disks.StatusOf(one).State == DiskState.In; file++)
        {
            Assert.True(file < 3 * Files, "no fill met the broken disk");
            await disks.FillAsync(file, TestTier.BlockSize, 0);
        }

        Assert.Equal(DiskState.Failed, disks.StatusOf(one).State);
        Assert.NotNull(disks.StatusOf(one).Reason);
        Assert.All(onOne[true], file => Assert.Equal(PinStatus.Missing, disks.Read(file, 0, TestTier.BlockSize)));
        Assert.All(onOne[false], file => Assert.Equal(PinStatus.Pinned, disks.Read(file, 0, 2 * TestTier.BlockSize)));
        Assert.Equal(FillStatus.Started, await disks.FillAsync(1000, TestTier.BlockSize, 0));
        Assert.Equal(DiskChange.Refused, await disks.Store.PutInAsync(one, CancellationToken.None));
        Assert.Equal(DiskState.Failed, disks.StatusOf(one).State);

        // While it was away the disk lost what it had not written yet, as one does that is pulled and plugged in again.
        await File.WriteAllBytesAsync(Path.Combine(one, "files", TestDisks.NameOf(TestTier.Key(spoiled))), new byte[2 * TestTier.BlockSize]);
        broken.Rules = [];
        Assert.Equal(DiskChange.Done, await disks.Store.PutInAsync(one, CancellationToken.None));
        Assert.Equal(PinStatus.Unproven, disks.Read(spoiled, 0, TestTier.BlockSize));
        Assert.Equal(FillStatus.Started, await disks.FillAsync(spoiled, 2 * TestTier.BlockSize, 0));
        Assert.Equal(PinStatus.Pinned, disks.Read(spoiled, 0, TestTier.BlockSize));
        Assert.Equal(FillStatus.Resident, await disks.FillAsync(kept, 2 * TestTier.BlockSize, 0));
        Assert.Equal(PinStatus.Pinned, disks.Read(kept, 0, TestTier.BlockSize));
        Assert.Equal(1, disks.Store.GetStats().CorruptBlocks);
    }

    [Fact]
    public async Task A_disk_that_fails_while_it_is_put_in_is_not_said_to_be_in()
    {
        await using var disks = new TestDisks();
        var io = new FaultyDiskIo(seed: 1);
        var one = disks.Add(io: io);
        await disks.OpenAsync();
        await FillAllAsync(disks);
        disks.Store.TakeOut(one);
        await TestTier.UntilAsync(() => IsUnlocked(one), "the disk to be closed");
        File.Delete(Path.Combine(one, "files", TestDisks.NameOf(TestTier.Key(3))));
        io.Rules = [new(DiskCall.Write, FaultKind.Fail) { Path = "segment." }]; // That the file is lost cannot be recorded.
        Assert.Equal(DiskChange.Refused, await disks.Store.PutInAsync(one, CancellationToken.None).WaitAsync(TestTier.Limit));
        Assert.Equal(DiskState.Failed, disks.StatusOf(one).State);
        io.Rules = [];
        Assert.Equal(DiskChange.Done, await disks.Store.PutInAsync(one, CancellationToken.None).WaitAsync(TestTier.Limit));
        Assert.Equal(PinStatus.Missing, disks.Read(3, 0, 1));
    }

    [Fact]
    public async Task A_disk_that_is_broken_at_the_start_is_left_out_unless_it_is_the_only_one()
    {
        await using var disks = new TestDisks();
        var io = new FaultyDiskIo(seed: 1) { Rules = [.. Enum.GetValues<DiskCall>().Select(call => new FaultRule(call, FaultKind.Fail))] };
        var broken = disks.Add(io: io);
        await Assert.ThrowsAsync<BlockStoreException>(() => disks.OpenAsync());
        disks.Add();
        await disks.OpenAsync();
        Assert.Equal(DiskState.Failed, disks.StatusOf(broken).State);
        await FillAllAsync(disks);
        io.Rules = [];
        Assert.Equal(DiskChange.Done, await disks.Store.PutInAsync(broken, CancellationToken.None));
        Assert.All(Enumerable.Range(0, Files), file => Assert.Equal(PinStatus.Pinned, disks.Read(file, 0, 2 * TestTier.BlockSize)));
    }

    [Fact]
    public async Task Readers_and_fills_see_right_bytes_or_none_while_disks_come_and_go()
    {
        var seed = Random.Shared.Next();
        await using var disks = new TestDisks();
        string[] all = [disks.Add(), disks.Add(), disks.Add()];
        await disks.OpenAsync();
        using var stop = new CancellationTokenSource();
        long read = 0;
        var workers = Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            var random = new Random(seed + worker);
            while (!stop.IsCancellationRequested)
            {
                var (file, block) = (random.Next(Files), random.Next(2));
                if (disks.Read(file, (long)block * TestTier.BlockSize, TestTier.BlockSize) == PinStatus.Pinned)
                {
                    Interlocked.Increment(ref read);
                }
                else if (await disks.FillAsync(file, 2 * TestTier.BlockSize, block) == FillStatus.Unavailable)
                {
                    await Task.Yield();
                }
            }
        })).ToArray();
        var chance = new Random(seed);
        for (var round = 0; round < 20; round++)
        {
            var disk = all[chance.Next(all.Length)];
            var before = Interlocked.Read(ref read);
            Assert.True(disks.Store.TakeOut(disk) == DiskChange.Done, $"seed {seed}");
            await TestTier.UntilAsync(
                () => Interlocked.Read(ref read) > before + 20 || Array.Exists(workers, worker => worker.IsCompleted), "reads to go on");
            Assert.True(await disks.Store.PutInAsync(disk, CancellationToken.None) == DiskChange.Done, $"seed {seed}: {disks.StatusOf(disk).Reason}");
        }

        await stop.CancelAsync();
        await Task.WhenAll(workers).WaitAsync(TestTier.Limit);
        Assert.True(disks.Store.GetStats().CorruptBlocks == 0, $"seed {seed}");
    }

    [Fact]
    public async Task A_full_disk_leaves_its_fills_to_the_others()
    {
        await using var disks = new TestDisks();
        disks.Add(capacityBytes: 2L << 20);
        disks.Add(capacityBytes: 2L << 20);
        await disks.OpenAsync();
        var leases = new List<ResidencyLease>();
        for (var file = 0; file < 14; file++)
        {
            Assert.Equal(FillStatus.Started, await disks.FillAsync(file, TestTier.BlockSize, 0));
            Assert.Equal(LeaseStatus.Leased, disks.Store.TryLease(TestTier.Key(file), out var lease));
            leases.Add(lease!);
        }

        Assert.All(Enumerable.Range(0, 14), file => Assert.Equal(PinStatus.Pinned, disks.Read(file, 0, TestTier.BlockSize)));
        leases.ForEach(lease => lease.Dispose());
    }

    [PowerCutFact]
    public async Task A_disk_whose_file_system_has_no_room_at_all_is_done_without()
    {
        using var loop = new LoopDisk();
        var point = loop.Create(Path.Combine(loop.Root, "small.img"), "small", 48, ["mkfs.ext4", "-q", "-F"]);
        await using (var disks = new TestDisks())
        {
            var small = disks.Add(capacityBytes: 24L << 20, directory: Path.Combine(point, "tier"));
            disks.Add();
            await disks.OpenAsync();
            await FillAllAsync(disks);
            Processes.TryRun("dd", "if=/dev/zero", $"of={point}/foreign", "bs=4096");
            for (var file = 100; file < 140; file++)
            {
                // The first ones may meet the full disk; after that they go elsewhere, or the other made room on it.
                await TestTier.UntilAsync(() => Fill(disks, file) is FillStatus.Started or FillStatus.Resident, "a fill beside the full disk");
                Assert.Equal(PinStatus.Pinned, disks.Read(file, 0, TestTier.BlockSize));
            }

            Assert.Equal(DiskChange.Done, disks.Store.TakeOut(small));
            File.Delete($"{point}/foreign");
            Assert.Equal(DiskChange.Done, await disks.Store.PutInAsync(small, CancellationToken.None));
            Assert.Equal(FillStatus.Started, await disks.FillAsync(500, TestTier.BlockSize, 0));
        }

        loop.Unmount(point);
    }

    private static bool IsUnlocked(string disk)
    {
        using var file = FileOpening.Open(Path.Combine(disk, "lock"), OpenFlags.ReadWrite);
        var isFree = FileLock.TryLockExclusive(file);
        FileLock.Unlock(file);
        return isFree;
    }

    private static FillStatus Fill(TestDisks disks, int file) => disks.FillAsync(file, TestTier.BlockSize, 0).GetAwaiter().GetResult();

    private static async Task FillAllAsync(TestDisks disks)
    {
        for (var file = 0; file < Files; file++)
        {
            Assert.Equal(FillStatus.Started, await disks.FillAsync(file, 2 * TestTier.BlockSize, 0));
            Assert.Equal(FillStatus.Started, await disks.FillAsync(file, 2 * TestTier.BlockSize, 1));
        }
    }
}
