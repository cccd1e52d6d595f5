using System.Runtime.CompilerServices;
using OrleansCache.BlockStore.Eviction;
using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.BlockStore.Tests;

/// <summary>The table of items and how sources share a tier.</summary>
public sealed class CacheItemsTests : IItemOwner
{
    private const long Capacity = 1L << 30;
    private readonly CacheItems _items = new(Capacity);

    [Fact]
    public void An_item_takes_20_bytes_and_its_place_among_the_ghosts_4()
    {
        Assert.Equal(20, Unsafe.SizeOf<ItemRecord>());
        const int Count = 1 << 20;
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Count; i++)
        {
            _items.Added(TestTier.Key(i), 0, new SourceId(1), 4096, this);
        }

        // The table of ghosts was doubled until it fitted: that is twice what is kept.
        Assert.InRange((double)(GC.GetAllocatedBytesForCurrentThread() - before) / Count, 20, 20 + (2 * 4) + 1.5);
    }

    [Theory]
    [InlineData(EvictionKind.S3Fifo)]
    [InlineData(EvictionKind.Lru)]
    [InlineData(EvictionKind.Epoch)]
    public void A_use_allocates_nothing(EvictionKind kind)
    {
        _items.SetSource(new SourceId(1), new SourceCaching(kind, 0));
        var ids = Fill(0, 1000, new SourceId(1), 1 << 20);
        Touch(ids);
        Fill(1000, 100, new SourceId(1), 1 << 20); // So that the next use counts as another visit.
        var before = GC.GetAllocatedBytesForCurrentThread();
        Touch(ids);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData(EvictionKind.S3Fifo)]
    [InlineData(EvictionKind.Lru)]
    [InlineData(EvictionKind.Epoch)]
    public void Removed_items_are_forgotten_and_their_ids_used_again(EvictionKind kind)
    {
        _items.SetSource(new SourceId(1), new SourceCaching(kind, 0));
        for (var round = 0; round < 20; round++)
        {
            foreach (var id in Fill(round * 2000, 2000, new SourceId(1), 4096))
            {
                _items.Removed(id);
            }

            Assert.InRange(_items.Count, 0, 6000);
        }

        var all = Fill(0, 100, new SourceId(1), 4096);
        Assert.Equal(all.Order(), PickAll().Order());
    }

    [Fact]
    public void Items_in_use_are_passed_over_once_and_stay()
    {
        var ids = Fill(0, 10, new SourceId(1), 1 << 20);
        var first = Pick(3 << 20);
        Assert.Equal(ids[..3], first);
        first.ForEach(id => _items.Settle(id, first: false));
        Assert.Equal(ids[3..6], Pick(3 << 20));
        Assert.Equal(ids[6..].Concat(ids[..3]).Order(), PickAll().Order());
    }

    [Fact]
    public void A_source_over_its_quota_gives_up_no_more_than_that_though_another_is_far_over()
    {
        var (large, small) = (new SourceId(1), new SourceId(2));
        var used = Fill(0, 500, large, 1 << 20);
        var ids = Fill(1000, 101, small, 1 << 20);
        _items.SetSource(large, new SourceCaching(EvictionKind.S3Fifo, 100 << 20));
        _items.SetSource(small, new SourceCaching(EvictionKind.S3Fifo, 100 << 20));
        Touch(used); // So the small one is asked first.
        var picked = new List<uint>();
        for (var victims = new List<uint>(); _items.OverQuotaBytes() is var over and > 0; victims.Clear())
        {
            _items.Pick(over, overQuota: true, victims);
            Assert.NotEmpty(victims);
            victims.ForEach(_items.Removed);
            victims.ForEach(id => _items.Settle(id, first: true));
            picked.AddRange(victims);
        }

        Assert.InRange(picked.Intersect(ids).Count(), 1, 4);
        Assert.InRange(picked.Except(ids).Count(), 400, 404);
    }

    [Fact]
    public void An_item_that_goes_while_it_is_picked_is_gone()
    {
        var ids = Fill(0, 3, new SourceId(1), 1 << 20);
        var picked = Pick(1);
        _items.Removed(picked[0]);
        _items.Settle(picked[0], first: true);
        Assert.Equal(2, _items.Count);
        Assert.Equal(ids[1..], PickAll());
    }

    [Fact]
    public void A_source_that_changes_its_policy_takes_its_items_along()
    {
        var one = Fill(0, 10, new SourceId(1), 1 << 20);
        var two = Fill(10, 10, new SourceId(2), 1 << 20);
        foreach (var kind in (EvictionKind[])[EvictionKind.Lru, EvictionKind.Epoch, EvictionKind.S3Fifo])
        {
            _items.SetSource(new SourceId(1), new SourceCaching(kind, 5 << 20));
            Assert.InRange(_items.OverQuotaBytes(), 5 << 20, 6 << 20);
            var over = new List<uint>();
            _items.Pick(100 << 20, overQuota: true, over);
            Assert.Equal(6, over.Count);
            Assert.Subset(one.ToHashSet(), over.ToHashSet());
            over.ForEach(id => _items.Settle(id, first: true));
        }

        _items.SetSource(new SourceId(1), default);
        Assert.Equal(0, _items.OverQuotaBytes());
        Assert.Equal(one.Concat(two).Order(), PickAll().Order());
    }

    [Fact]
    public void The_source_whose_bytes_are_used_keeps_them()
    {
        _items.SetSource(new SourceId(1), new SourceCaching(EvictionKind.Lru, 0));
        _items.SetSource(new SourceId(2), new SourceCaching(EvictionKind.Epoch, 0));
        var used = Fill(0, 300, new SourceId(1), 1 << 20);
        var unused = Fill(300, 300, new SourceId(2), 1 << 20);
        Touch(used);
        Assert.Subset(unused.ToHashSet(), Pick(100 << 20).ToHashSet());
    }

    public (long LeavingBytes, Task Recorded) TryEvict(uint item, long bytesWanted) => (0, Task.CompletedTask);

    private List<uint> Fill(int first, int count, SourceId source, long bytes)
    {
        var ids = new List<uint>(count);
        for (var i = first; i < first + count; i++)
        {
            ids.Add(_items.Added(TestTier.Key(i), 0, source, bytes, this));
        }

        return ids;
    }

    private void Touch(List<uint> ids)
    {
        foreach (var id in ids)
        {
            _items.Touch(id);
        }
    }

    private List<uint> Pick(long bytes)
    {
        var victims = new List<uint>();
        _items.Pick(bytes, overQuota: false, victims);
        return victims;
    }

    private List<uint> PickAll() => Pick(long.MaxValue / 4);
}
