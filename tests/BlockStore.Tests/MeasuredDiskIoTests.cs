using System.Diagnostics;
using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Tests.Faults;

namespace OrleansCache.BlockStore.Tests;

/// <summary>What the store says of its disk.</summary>
public sealed class MeasuredDiskIoTests
{
    [Fact]
    public async Task A_stores_calls_are_counted_by_kind_and_slow_ones_land_in_slow_buckets()
    {
        await using var tier = new TestTier
        {
            Io = new FaultyDiskIo(1) { Rules = [new FaultRule(DiskCall.SyncFileSystem, FaultKind.Delay)] },
        };
        await tier.OpenAsync();
        await tier.FillAsync(1, TestTier.BlockSize, 0);
        await tier.Store.VerifyAsync(TestTier.Key(1), CancellationToken.None);
        var syncsBefore = Of(tier, "sync");
        await tier.Store.SyncAsync(CancellationToken.None);
        Assert.Equal(2, Of(tier, "write").Counts.Sum()); // TestTier writes a block in two parts.
        Assert.True(Of(tier, "commit").Counts.Sum() >= 2);
        Assert.True(Of(tier, "read").Counts.Sum() >= TestTier.BlockSize / Crc32C.ChunkBytes);
        var syncs = Of(tier, "sync");
        var added = syncs.Counts.Zip(syncsBefore.Counts, (after, before) => after - before).ToList();
        Assert.Equal(1, added.Sum());
        Assert.Equal(0, added.Zip(syncs.BoundsSeconds).Where(one => one.Second < 0.0019).Sum(one => one.First));
        Assert.True(syncs.SumSeconds - syncsBefore.SumSeconds >= 0.0019);
        Assert.All(tier.Store.GetStats().DiskOperations, operation => Assert.Equal(0, operation.InFlight));
    }

    [Fact]
    public void Counting_allocates_nothing()
    {
        var histogram = new LatencyHistogram("write");
        histogram.End(histogram.Begin());
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++)
        {
            histogram.End(histogram.Begin());
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        histogram.End(Stopwatch.GetTimestamp() - (60 * Stopwatch.Frequency));
        Assert.Equal(1, histogram.Read().Counts[^1]);
    }

    private static DiskOperationStats Of(TestTier tier, string operation) =>
        tier.Store.GetStats().DiskOperations.Single(one => one.Operation == operation);
}
