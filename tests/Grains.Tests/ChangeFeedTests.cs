using OrleansCache.Files;
using OrleansCache.Grains.Listings;
using OrleansCache.Grains.Namespaces;
using OrleansCache.Namespaces;

namespace OrleansCache.Grains.Tests;

/// <summary>The parts of change publication and sync that are pure.</summary>
public sealed class ChangeFeedTests
{
    [Fact]
    public void Changes_come_in_order_and_who_is_behind_is_told_of_a_gap()
    {
        var ring = new ChangeRing(1000);
        Assert.Equal(new ChangeBatch(1000, false, []).Last, ring.After(1000).Last);
        Assert.False(ring.After(1000).IsGap);
        Assert.True(ring.After(999).IsGap); // of a ring before a restart
        Assert.True(ring.After(1001).IsGap); // the clock went back
        for (var i = 0; i < ChangeRing.MaxChanges + 10; i++)
        {
            ring.Add(new PathChange($"{i}", ["a"], false));
        }

        Assert.True(ring.After(1009).IsGap);
        Assert.Equal(ring.Last, ring.After(1009).Last);
        var seen = new List<string>();
        var after = 1010L;
        while (ring.After(after) is { Changes.IsEmpty: false } batch)
        {
            Assert.False(batch.IsGap);
            seen.AddRange(batch.Changes.Select(change => change.DirectoryPath));
            after = batch.Last;
        }

        Assert.Equal(Enumerable.Range(10, ChangeRing.MaxChanges).Select(i => $"{i}"), seen);
        Assert.Equal(ring.Last, after);
    }

    [Fact]
    public void Batches_fit_a_message_and_names_are_bounded()
    {
        var ring = new ChangeRing(0);
        var names = Enumerable.Range(0, PathChange.MaxNames).Select(i => $"{i:D2}{new string('n', 250)}").ToArray();
        for (var i = 0; i < 1000; i++)
        {
            ring.Add(new PathChange("d", [.. names], false));
        }

        var kept = ChangeRing.MaxNames / PathChange.MaxNames;
        Assert.True(ring.After(1000 - kept - 1).IsGap);
        var batch = ring.After(1000 - kept);
        Assert.False(batch.IsGap);
        Assert.InRange(batch.Changes.Sum(ChangeRing.BytesOf), 1, 40 * 1024);
    }

    [Fact]
    public void A_floor_is_for_its_path_what_is_below_and_the_directory_above()
    {
        var floors = new SyncFloors(new ManualTime());
        var source = new SourceId(1);
        var before = floors.Now();
        floors.Raise(source, "a/b", isStored: true);
        Assert.True(floors.Of(source, "a/b") > before.Number);
        Assert.True(floors.Of(source, "a/b/c/d") > before.Number);
        Assert.True(floors.Of(source, "a") > before.Number);
        Assert.Equal(0, floors.Of(source, ""));
        Assert.Equal(0, floors.Of(source, "a/bc"));
        Assert.Equal(0, floors.Of(new SourceId(2), "a/b"));
        Assert.True(floors.Now().Number > floors.Of(source, "a"));
        for (var i = 0; i <= SyncFloors.MaxPlaces; i++)
        {
            floors.Raise(source, $"x/{i}", isStored: true); // too many places: the source as a whole
        }

        Assert.True(floors.Of(source, "somewhere/else") > 0);
        Assert.True(floors.NumberOfStored > floors.Of(source, "x"));
        floors.Raise(source, "y", isStored: false);
        Assert.Equal(0, floors.NumberOfStored); // what is stored may be from before
    }

    [Fact]
    public void Segments_stay_in_order_and_bounded_whatever_is_listed()
    {
        var random = new Random(3);
        var map = new SegmentMap();
        for (var i = 0; i < 20_000; i++)
        {
            var index = random.Next(map.Segments.Count);
            var from = map.Segments[index].Start;
            var to = random.Next(20) == 0 ? null : $"{from}{random.Next(10)}";
            to = to?.Length > 12 ? null : to;
            var asked = new Moment(i, i);
            var edit = map.Plan(from, to, to is null ? null : "token", asked, []);
            map.Apply(edit);
            Assert.Equal(asked, map.Segments[map.IndexAfter(from)].Asked);
            Assert.InRange(map.Segments.Count, 1, SegmentMap.MaxSegments + 16);
            Assert.Equal("", map.Segments[0].Start);
            if (i % 100 == 0)
            {
                for (var at = 1; at < map.Segments.Count; at++)
                {
                    Assert.True(PositionOrder.Instance.Compare(map.Segments[at - 1].Start, map.Segments[at].Start) < 0);
                    Assert.Equal(at, map.IndexAfter(map.Segments[at].Start));
                    Assert.Equal(at - 1, map.IndexAt(map.Segments[at].Start));
                }
            }
        }
    }

    [Fact]
    public void A_long_listing_joins_segments_behind_it()
    {
        var map = new SegmentMap();
        var from = "";
        for (var i = 0; i < 3 * SegmentMap.MaxSegments; i++)
        {
            var to = $"{i:D8}";
            map.Apply(map.Plan(from, to, to, new Moment(i, i), []));
            from = to;
        }

        Assert.InRange(map.Segments.Count, SegmentMap.MaxSegments / 2, SegmentMap.MaxSegments + 1);
        Assert.All(map.Segments.SkipLast(1), segment => Assert.True(segment.CanBegin && segment.Asked is not null));
    }
}
