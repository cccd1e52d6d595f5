using OrleansCache.Files;
using OrleansCache.PowerCut;

namespace OrleansCache.BlockStore.Tests;

/// <summary>Small files in log segments: to their users they behave like any other, but they have no file of their own.</summary>
public sealed class PackedFillTests
{
    private const int Length = 5000;

    [Fact]
    public async Task Small_files_are_served_and_take_no_inode()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        Assert.Equal(LeaseStatus.Missing, tier.Store.TryLease(TestTier.Key(0), out _));
        var lengths = new[] { 1, 15, 16, 17, 4096, 5000, 65_535, 65_536 };
        for (var file = 0; file < 400; file++)
        {
            Assert.Equal(FillStatus.Started, await tier.FillAsync(file, lengths[file % lengths.Length], 0));
        }

        for (var file = 0; file < 400; file++)
        {
            var length = lengths[file % lengths.Length];
            Assert.Equal(PinStatus.Pinned, tier.Read(file, 0, length));
            Assert.Equal(PinStatus.Missing, tier.Read(file, 0, length + 1));
            Assert.Equal(FillStatus.Resident, await tier.FillAsync(file, length, 0));
            Assert.Equal(LeaseStatus.Packed, tier.Store.TryLease(TestTier.Key(file), out _));
            var residency = tier.Store.GetResidency(TestTier.Key(file));
            Assert.True(residency.IsComplete);
            Assert.Equal((1, (long)length), (residency.BlockCount, residency.FileLengthBytes));
        }

        Assert.Equal(PinStatus.Pinned, tier.Read(5, 4992, 8)); // A range that begins within.
        var stats = tier.Store.GetStats();
        Assert.Equal((400, 400, 400), (stats.PackedObjects, stats.Files, stats.Blocks));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(tier.Root, "files"), "*", SearchOption.AllDirectories));
        Assert.Equal(stats.PackedSegments, Directory.EnumerateFiles(Path.Combine(tier.Root, "packed")).Count());
        Assert.InRange(stats.PackedSegments, 1, 20);
        Assert.Equal(stats.PackedSegmentBytes, stats.UsedBytes);
        Assert.Equal(400, tier.Store.EnumerateFiles().Select(file => file.File).Distinct().Count());
    }

    [Fact]
    public async Task What_is_larger_than_the_threshold_has_a_cache_file()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAsync(1, (64 << 10) + 1, 0);
        Assert.True(File.Exists(tier.PathOf(1)));
        await tier.FillAsync(2, 64 << 10, 0);
        Assert.False(File.Exists(tier.PathOf(2)));
        Assert.Equal(1, tier.Store.GetStats().PackedObjects);
    }

    [Fact]
    public async Task One_fills_and_the_others_read_what_arrives()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        var request = TestTier.Request(1, Length, 0);
        var attempts = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ =>
            Task.Run(async () => await tier.Store.BeginFillAsync(request, CancellationToken.None))));
        var owner = Assert.Single(attempts, attempt => attempt.Status == FillStatus.Started);
        Assert.Equal(19, attempts.Count(attempt => attempt.Status == FillStatus.InFlight));
        var bytes = new byte[Length];
        Pattern.Fill(TestTier.Key(1), 0, bytes);
        var reader = attempts.First(attempt => attempt.Status == FillStatus.InFlight).Progress!;
        Assert.True(owner.Fill!.Write(0, bytes.AsSpan(0, 1000)));
        Assert.Equal(FillFailure.None, await reader.WaitArrivedAsync(1000, CancellationToken.None).AsTask().WaitAsync(TestTier.Limit));
        Assert.True(reader.TryPinArrived(0, 1000, out var pin));
        using (pin)
        {
            TestTier.AssertBytes(TestTier.Key(1), 0, pin);
        }

        Assert.False(reader.TryPinArrived(0, 1001, out _));
        Assert.Equal(PinStatus.Missing, tier.Read(1, 0, 1000));
        Assert.True(owner.Fill.Write(1000, bytes.AsSpan(1000)));
        Assert.True(await owner.Fill.CompleteAsync(CancellationToken.None).AsTask().WaitAsync(TestTier.Limit));
        Assert.True(reader.TryPinArrived(0, Length, out pin));
        using (pin)
        {
            TestTier.AssertBytes(TestTier.Key(1), 0, pin);
        }

        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, Length));
    }

    [Fact]
    public async Task Two_lengths_of_one_version_are_a_contradiction()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAsync(1, Length, 0);
        foreach (var request in new[]
        {
            TestTier.Request(1, Length + 1, 0),
            TestTier.Request(1, 1 << 20, 0),
            TestTier.Request(1, Length, 1),
            TestTier.Request(1, Length, 0) with { Layout = new BlockLayout(1 << 20) },
            TestTier.Request(1, Length, 0) with { Source = new SourceId(2) },
        })
        {
            Assert.Equal(FillStatus.Mismatch, (await tier.Store.BeginFillAsync(request, CancellationToken.None)).Status);
        }
    }

    [Fact]
    public async Task An_aborted_fill_leaves_nothing_and_can_be_begun_again()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        var attempt = await tier.Store.BeginFillAsync(TestTier.Request(1, Length, 0), CancellationToken.None);
        Assert.True(attempt.Fill!.Write(0, new byte[1000]));
        var waiting = attempt.Progress!.WaitArrivedAsync(Length, CancellationToken.None).AsTask();
        attempt.Fill.Abort(FillFailure.SourceFailed);
        Assert.Equal(FillFailure.SourceFailed, await waiting.WaitAsync(TestTier.Limit));
        Assert.False(attempt.Fill.Write(1000, new byte[1000]));
        Assert.False(attempt.Progress.TryPinArrived(0, 1, out _));
        Assert.Equal(PinStatus.Missing, tier.Read(1, 0, 1));
        Assert.Equal(FillStatus.Started, await tier.FillAsync(1, Length, 0));
        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, Length));
        var left = await tier.Store.BeginFillAsync(TestTier.Request(2, Length, 0), CancellationToken.None);
        await tier.CloseAsync();
        Assert.Equal(FillFailure.Abandoned, left.Progress!.Failure);
        await tier.OpenAsync();
        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, Length));
        Assert.Equal(1, tier.Store.GetStats().PackedObjects);
    }

    [Fact]
    public async Task A_dropped_object_is_gone_with_its_fill_also_after_a_kill()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAsync(1, Length, 0);
        await tier.FillAsync(2, Length, 0);
        var attempt = await tier.Store.BeginFillAsync(TestTier.Request(3, Length, 0), CancellationToken.None);
        await tier.Store.DropAsync(TestTier.Key(1), CancellationToken.None).AsTask().WaitAsync(TestTier.Limit);
        await tier.Store.DropAsync(TestTier.Key(3), CancellationToken.None).AsTask().WaitAsync(TestTier.Limit);
        Assert.Equal(FillFailure.Dropped, attempt.Progress!.Failure);
        Assert.Equal(PinStatus.Missing, tier.Read(1, 0, 1));
        await using var killed = await tier.CopyAsKilledAsync();
        await killed.OpenAsync();
        Assert.Equal(PinStatus.Missing, killed.Read(1, 0, 1));
        Assert.Equal(PinStatus.Pinned, killed.Read(2, 0, Length));
        await killed.FillAllAsync(4, 3L * TestTier.BlockSize);
        Assert.Equal(2, await killed.Store.DropSourceAsync(new SourceId(1), CancellationToken.None).AsTask().WaitAsync(TestTier.Limit));
        Assert.Equal((0, 0), (killed.Store.GetStats().Files, killed.Store.GetStats().ResidentBytes));
    }

    [Fact]
    public async Task A_warm_pin_allocates_nothing()
    {
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAsync(1, Length, 0);
        var key = TestTier.Key(1);
        for (var round = 0; ; round++)
        {
            var (store, pinned) = (tier.Store, 0);
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 1000; i++)
            {
                pinned += store.TryPin(key, 8, 100, out var pin) == PinStatus.Pinned && store.GetResidency(key).IsComplete ? 1 : 0;
                pin.Dispose();
                store.Touch(key);
            }

            // The tiered compiler's own allocations are not ours: they end.
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Equal(1000, pinned);
            if (allocated == 0)
            {
                return;
            }

            Assert.True(round < 50, $"1000 pins allocate {allocated} bytes");
            await Task.Delay(50);
        }
    }
}
