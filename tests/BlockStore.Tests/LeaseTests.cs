using OrleansCache.Files;
using OrleansCache.Namespaces;
using OrleansCache.PowerCut;

namespace OrleansCache.BlockStore.Tests;

/// <summary>Residency leases: whoever holds the descriptor may read the file directly and never sees a hole.</summary>
public sealed class LeaseTests
{
    private static readonly long Length = (4L * TestTier.BlockSize) - 99;

    [Fact]
    public async Task A_leased_file_keeps_its_bytes_and_is_filled_on_in_place()
    {
        await using var tier = new TestTier(2L << 20);
        await tier.OpenAsync();
        Assert.Equal(LeaseStatus.Missing, tier.Store.TryLease(TestTier.Key(1), out _));
        await tier.FillAsync(1, Length, 0);
        Assert.Equal(LeaseStatus.Leased, tier.Store.TryLease(TestTier.Key(1), out var lease));
        Assert.False(lease!.Residency.IsComplete);
        Assert.True(lease.Residency.Has(0));
        for (var block = 1; block < 4; block++)
        {
            await tier.FillAsync(1, Length, block);
        }

        for (var file = 2; file < 12; file++)
        {
            await tier.FillAsync(file, TestTier.BlockSize, 0);
        }

        Assert.Equal(lease.Generation, tier.Store.GetResidency(TestTier.Key(1)).Generation);
        AssertReads(lease, Length);
        Assert.True(tier.Store.GetStats().BlocksEvicted > 0);
        Assert.Throws<UnauthorizedAccessException>(() => RandomAccess.Write(lease.Handle, new byte[1], 0));
        lease.Dispose();
    }

    [Fact]
    public async Task Bytes_that_a_failed_fill_released_stay_under_a_lease()
    {
        const int Arrived = 64 << 10;
        await using var tier = new TestTier();
        await tier.OpenAsync();
        await tier.FillAsync(1, Length, 0);
        Assert.Equal(LeaseStatus.Leased, tier.Store.TryLease(TestTier.Key(1), out var lease));
        var attempt = await tier.Store.BeginFillAsync(TestTier.Request(1, Length, 1), CancellationToken.None);
        var bytes = new byte[Arrived];
        Pattern.Fill(TestTier.Key(1), attempt.Fill!.Progress.BlockOffsetBytes, bytes);
        Assert.True(attempt.Fill.Write(0, bytes));
        attempt.Fill.Abort(FillFailure.SourceFailed);
        await TestTier.UntilAsync(() => tier.Store.GetStats().FillsInFlight == 0, "the failed fill to be given back");
        AssertReads(lease!, TestTier.BlockSize + Arrived);
        lease!.Dispose();

        Assert.Equal(FillStatus.Started, await tier.FillAsync(1, Length, 1));
        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, 2 * TestTier.BlockSize));
    }

    [Fact]
    public async Task A_file_is_leased_while_its_first_block_arrives_and_what_a_failed_one_released_stays()
    {
        const int Arrived = 64 << 10;
        await using var tier = new TestTier();
        await tier.OpenAsync();
        var attempt = await tier.Store.BeginFillAsync(TestTier.Request(1, Length, 0), CancellationToken.None);
        Assert.Equal(LeaseStatus.Leased, tier.Store.TryLease(TestTier.Key(1), out var lease));
        Assert.Equal((0, attempt.Fill!.Progress.Generation), (lease!.Residency.ResidentBlocks, lease.Generation));
        var bytes = new byte[Arrived];
        Pattern.Fill(TestTier.Key(1), 0, bytes);
        Assert.True(attempt.Fill.Write(0, bytes));
        AssertReads(lease, Arrived);
        attempt.Fill.Abort(FillFailure.SourceFailed);
        await TestTier.UntilAsync(() => tier.Store.GetStats().FillsInFlight == 0, "the failed fill to be given back");
        AssertReads(lease, Arrived);

        Assert.Equal(FillStatus.Started, await tier.FillAsync(1, Length, 0));
        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, TestTier.BlockSize));
        AssertReads(lease, Arrived);
        lease.Dispose();
    }

    [Fact]
    public async Task A_dropped_file_stays_readable_for_its_lease_and_counts_until_it_ends()
    {
        await using var tier = new TestTier(3L << 20);
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        Assert.Equal(LeaseStatus.Leased, tier.Store.TryLease(TestTier.Key(1), out var lease));
        await tier.Store.DropAsync(TestTier.Key(1), CancellationToken.None);
        AssertReads(lease!, Length);
        var held = tier.Store.GetStats();
        Assert.Equal(held.UsedBytes, held.UnlinkedOpenBytes);
        Assert.InRange(held.UnlinkedOpenBytes, Length, Length + 4096);

        await tier.FillAllAsync(1, Length);
        Assert.NotEqual(lease!.Generation, tier.Store.GetResidency(TestTier.Key(1)).Generation);
        Assert.Equal(LeaseStatus.Refused, tier.Store.TryLease(TestTier.Key(1), out _)); // 1 MiB of 3 is over a quarter.
        lease.Dispose();
        await TestTier.UntilAsync(() => tier.Store.GetStats().UnlinkedOpenBytes == 0, "the lease's end to be noticed");
        Assert.Equal(LeaseStatus.Leased, tier.Store.TryLease(TestTier.Key(1), out var again));
        again!.Dispose();
    }

    [Fact]
    public async Task A_file_leased_by_another_process_is_not_punched_even_after_the_silo_was_killed()
    {
        await using var tier = new TestTier(2L << 20);
        await tier.OpenAsync();
        await tier.FillAllAsync(1, Length);
        using var holder = Processes.StartHelper("hold-lease", tier.PathOf(1));
        Assert.Equal("held", await holder.StandardOutput.ReadLineAsync().WaitAsync(TestTier.Limit));
        await tier.OpenAsync(); // A new silo knows of the lease by the kernel's lock alone.
        tier.Store.SetSource(new SourceId(1), new SourceCaching(EvictionKind.Lru, 0)); // The default would keep what it passed over.
        for (var file = 2; file < 14; file++)
        {
            await tier.FillAsync(file, TestTier.BlockSize, 0);
        }

        Assert.Equal(PinStatus.Pinned, tier.Read(1, 0, (int)Length));
        holder.Kill();
        await holder.WaitForExitAsync();
        for (var file = 14; file < 40; file++)
        {
            await tier.FillAsync(file, TestTier.BlockSize, 0);
        }

        Assert.Equal(PinStatus.Missing, tier.Read(1, 0, 1));
    }

    [Fact]
    public async Task Leases_and_evictions_at_once_never_show_a_hole()
    {
        await using var tier = new TestTier(2L << 20);
        await tier.OpenAsync();
        using var stop = new CancellationTokenSource();
        var leased = 0;
        var lessees = Enumerable.Range(0, 3).Select(seed => Task.Run(() =>
        {
            var random = new Random(seed);
            while (!stop.IsCancellationRequested)
            {
                var file = random.Next(4);
                if (tier.Store.TryLease(TestTier.Key(file), out var lease) == LeaseStatus.Leased)
                {
                    Interlocked.Increment(ref leased);
                    using (lease)
                    {
                        AssertResidentBlocks(lease!, file);
                    }
                }
            }
        })).ToArray();
        var fills = new Random(5);
        using var limit = new CancellationTokenSource(TestTier.Limit);
        // On a busy machine there is hardly a moment at which some file is not leased.
        for (var i = 0; i < 400 || (tier.Store.GetStats().BlocksEvicted <= 10 && !limit.IsCancellationRequested); i++)
        {
            await tier.FillAsync(fills.Next(4), Length, fills.Next(4));
        }

        await stop.CancelAsync();
        await Task.WhenAll(lessees);
        var evicted = tier.Store.GetStats().BlocksEvicted;
        Assert.True(leased > 10 && evicted > 10, $"{leased} leases, {evicted} blocks evicted");
    }

    private static void AssertReads(ResidencyLease lease, long length)
    {
        var bytes = new byte[length];
        Assert.Equal(bytes.Length, RandomAccess.Read(lease.Handle, bytes, 0));
        Assert.True(Pattern.Matches(TestTier.Key(1), 0, bytes));
    }

    private static void AssertResidentBlocks(ResidencyLease lease, int file)
    {
        var bytes = new byte[TestTier.BlockSize];
        for (var block = 0; block < lease.Residency.BlockCount; block++)
        {
            if (lease.Residency.Has(block))
            {
                var at = TestTier.Layout.StartOf(block);
                var part = bytes.AsSpan(0, TestTier.Layout.LengthOf(block, Length));
                Assert.Equal(part.Length, RandomAccess.Read(lease.Handle, part, at));
                Assert.True(Pattern.Matches(TestTier.Key(file), at, part), $"hole or mix in file {file} block {block}");
            }
        }
    }
}
