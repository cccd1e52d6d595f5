using FsCheck;
using FsCheck.Fluent;
using OrleansCache.Files;
using OrleansCache.Grains.Namespaces;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Tests;

public sealed class ListingPoliciesTests
{
    [Fact]
    public void Pages_of_any_listing_give_every_name_once_in_order_and_fit()
    {
        var names = ArbMap.Default.ArbFor<NonEmptyString[]>();
        Prop.ForAll(names, raw =>
        {
            var sorted = raw.Select(one => one.Get).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
            var seen = new List<string>();
            string? after = null;
            while (true)
            {
                var first = DirectoryPager.IndexAfter(sorted, after);
                var count = DirectoryPager.CountThatFits(sorted, first);
                if (count == 0)
                {
                    break;
                }

                seen.AddRange(sorted.Skip(first).Take(count));
                after = seen[^1];
            }

            return seen.SequenceEqual(sorted);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_page_stays_under_its_limit_and_has_one_entry_at_least()
    {
        var sorted = Enumerable.Range(0, 1000).Select(i => $"{i:D4}{new string('ü', 200)}").ToList();
        var count = DirectoryPager.CountThatFits(sorted, 0);
        Assert.InRange(count * (DirectoryPager.EntryOverheadBytes + (3 * 204)), 1, DirectoryPage.MaxPageBytes);
        Assert.Equal(1, DirectoryPager.CountThatFits([new string('x', DirectoryPage.MaxPageBytes)], 0));
        Assert.Equal(0, DirectoryPager.CountThatFits(sorted, 1000));
    }

    [Fact]
    public void Paging_goes_on_after_a_name_that_is_gone() =>
        Assert.Equal(2, DirectoryPager.IndexAfter(["a", "b", "d"], "c"));

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
    public void A_listing_changes_its_version_only_when_something_changed()
    {
        var table = new NameTable();
        table.ReplaceListing([Entry("b", 1), Entry("a", 1)], askedAt: 10);
        Assert.Equal(["a", "b"], table.Sorted!);
        var version = table.Version;
        table.ReplaceListing([Entry("a", 1), Entry("b", 1)], askedAt: 20);
        Assert.Equal(version, table.Version);
        table.ReplaceListing([Entry("a", 1), Entry("b", 2)], askedAt: 30);
        Assert.Equal(++version, table.Version);
        table.ReplaceListing([Entry("a", 1)], askedAt: 40);
        Assert.Equal(++version, table.Version);
        table.Learn("a", Entry("a", 1).Metadata, askedAt: 50);
        Assert.Equal(version, table.Version);
        table.Learn("c", Entry("c", 1).Metadata, askedAt: 50);
        Assert.Equal(++version, table.Version);
        Assert.Equal(["a", "c"], table.Sorted!);
        table.Learn("a", null, askedAt: 60);
        Assert.Equal(++version, table.Version);
        Assert.Equal(["c"], table.Sorted!);
        Assert.Null(table.Find("a")!.Metadata);
    }

    [Fact]
    public void The_answer_to_the_later_question_wins()
    {
        var table = new NameTable();
        table.Learn("new", Entry("new", 1).Metadata, askedAt: 20);
        table.Learn("gone", null, askedAt: 20);
        table.Learn("old", Entry("old", 1).Metadata, askedAt: 5);
        table.ReplaceListing([Entry("gone", 1), Entry("x", 1)], askedAt: 10); // asked earlier, answered later
        Assert.Equal(["new", "x"], table.Sorted!);
        Assert.Equal(2, table.Learn("x", Entry("x", 2).Metadata, askedAt: 30).Metadata!.Value.Version.ModifiedNs);
        Assert.Equal(2, table.Learn("x", Entry("x", 1).Metadata, askedAt: 25).Metadata!.Value.Version.ModifiedNs);
    }

    [Fact]
    public void Single_names_are_bounded()
    {
        var table = new NameTable();
        for (var i = 0; i <= NameTable.MaxLooseNames; i++)
        {
            table.Learn($"{i}", null, askedAt: 1);
        }

        Assert.Null(table.Find("0"));
        Assert.NotNull(table.Find($"{NameTable.MaxLooseNames}"));
    }

    [Fact]
    public void The_listing_budget_is_shared_and_given_back()
    {
        var budget = new ListingBudget(10);
        Assert.True(budget.TryReserve(7));
        Assert.False(budget.TryReserve(4));
        Assert.True(budget.TryReserve(3));
        budget.Release(10);
        Assert.Equal(0, budget.Used);
    }

    internal static UnderStorageEntry Entry(string name, long version) => new(name, new FileMetadata
    {
        Id = new FileId(1, 2),
        Kind = FileKind.File,
        Version = new FileVersion(3, version, version, null),
        Mode = 0x81A4,
    });
}
