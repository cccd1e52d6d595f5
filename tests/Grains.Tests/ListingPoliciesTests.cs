using System.Text;
using FsCheck;
using FsCheck.Fluent;
using OrleansCache.Files;
using OrleansCache.Grains.Listings;
using OrleansCache.Grains.Namespaces;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Tests;

public sealed class ListingPoliciesTests
{
    [Fact]
    public void A_page_stays_under_its_limit_and_has_one_entry_at_least()
    {
        var entries = Enumerable.Range(0, 1000).Select(i => Entry($"{i:D4}{new string('ü', 200)}", 1)).ToList();
        var count = DirectoryPager.CountThatFits(entries);
        Assert.InRange(count * (DirectoryPager.EntryOverheadBytes + (3 * 204)), DirectoryPage.MaxPageBytes / 2, DirectoryPage.MaxPageBytes);
        Assert.Equal(1, DirectoryPager.CountThatFits([Entry(new string('x', DirectoryPage.MaxPageBytes), 1)]));
        Assert.Equal(0, DirectoryPager.CountThatFits([]));
        Assert.InRange(DirectoryPager.CountThatFits([.. entries.Select(entry => Entry("x", 1))]), 1, DirectoryPager.MaxEntries);
    }

    [Theory]
    [InlineData("always", 0, 0)]
    [InlineData("interval(3s)", 0, 3)]
    [InlineData("interval(3s)", 2, 1)]
    [InlineData("interval(3s)", 4, 0)]
    [InlineData("interval(60s)", 5, 10)]
    [InlineData("interval(60s)", 55, 5)]
    [InlineData("never", 99999, 10)]
    public void A_lease_never_outlives_the_sync_interval(string rule, int ageSeconds, int leaseSeconds)
    {
        Assert.True(SyncRule.TryParse(rule, out var parsed));
        Assert.Equal(TimeSpan.FromSeconds(leaseSeconds), SyncLease.Remaining(parsed, TimeSpan.FromSeconds(ageSeconds)));
    }

    [Fact]
    public void The_answer_to_the_later_question_wins()
    {
        var table = new NameTable();
        table.Learn("new", Entry("new", 1).Metadata, new Moment(0, 20));
        table.Learn("gone", null, new Moment(0, 20));
        table.Learn("x", Entry("x", 2).Metadata, new Moment(0, 20));
        table.Learn("old", Entry("old", 1).Metadata, new Moment(0, 5));
        List<UnderStorageEntry> entries = [Entry("gone", 1), Entry("x", 1), Entry("y", 1)];
        table.Correct(entries, "", null, new Moment(0, 10)); // asked earlier, answered later
        Assert.Equal(["new", "x", "y"], entries.Select(entry => entry.Name).Order(StringComparer.Ordinal));
        Assert.Equal(2, entries.Single(entry => entry.Name == "x").Metadata.Version.ModifiedNs);

        entries = [Entry("y", 1)];
        table.Correct(entries, "xa", "y", new Moment(0, 10));
        Assert.Equal(["y"], entries.Select(entry => entry.Name)); // the others stand elsewhere

        Assert.Equal(2, table.Learn("x", Entry("x", 1).Metadata, new Moment(0, 15)).Metadata!.Value.Version.ModifiedNs);
        Assert.Equal(3, table.Learn("x", Entry("x", 3).Metadata, new Moment(0, 25)).Metadata!.Value.Version.ModifiedNs);
        table.ForgetOlder("", null, new Moment(0, 22), _ => false);
        Assert.Null(table.Find("new"));
        Assert.NotNull(table.Find("x"));
    }

    [Fact]
    public void Single_names_are_bounded()
    {
        var table = new NameTable();
        for (var i = 0; i <= NameTable.MaxNames; i++)
        {
            table.Learn($"{i}", null, new Moment(0, 1));
        }

        Assert.Null(table.Find("0"));
        Assert.NotNull(table.Find($"{NameTable.MaxNames}"));
    }

    [Fact]
    public void Positions_are_ordered_as_their_bytes()
    {
        string[] parts = ["", "a", "a/", "a.", "b", "\u00e9", "\uffff", "\uf780", "\ue000", "\ud7ff", "\U00010000", "\U0010ffff"];
        Prop.ForAll(Gen.Elements(parts).ListOf().Two().ToArbitrary(), two =>
        {
            var (one, other) = (string.Concat(two.Item1), string.Concat(two.Item2));
            var bytes = Encoding.UTF8.GetBytes(one).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(other));
            return Math.Sign(PositionOrder.Instance.Compare(one, other)) == Math.Sign(bytes) && PositionOrder.IsWellFormed(one);
        }).QuickCheckThrowOnFailure();
        Assert.False(PositionOrder.IsWellFormed("a\ud800"));
        Assert.False(PositionOrder.IsWellFormed("\udc00\ud800b"));
        Assert.True(PositionOrder.IsWellFormed("a\U00010000b"));
    }

    [Fact]
    public void A_storm_of_lookups_is_16_questions_and_16_more_for_each_part_listed()
    {
        var time = new ManualTime();
        var storm = new LookupStorm(new DirectoryServices(null!, null!, null!, null!, null!, time, null!));
        var interval = TimeSpan.FromSeconds(10);
        Assert.Equal(16, Enumerable.Range(0, 100).Count(_ => storm.TryAsk(interval)));
        storm.PartListed();
        Assert.Equal(16, Enumerable.Range(0, 100).Count(_ => storm.TryAsk(interval)));
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(16, Enumerable.Range(0, 100).Count(_ => storm.TryAsk(interval)));
        storm.CannotList = true;
        Assert.True(storm.TryAsk(interval));
    }

    internal static UnderStorageEntry Entry(string name, long version) => new(name, new FileMetadata
    {
        Id = new FileId(1, 2),
        Kind = FileKind.File,
        Version = new FileVersion(3, version, version, null),
        Mode = 0x81A4,
    });
}
