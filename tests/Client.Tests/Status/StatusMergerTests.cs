using OrleansCache.Client.Tests.Fakes;
using OrleansCache.Groups;
using OrleansCache.Status;

namespace OrleansCache.Client.Tests.Status;

public sealed class StatusMergerTests
{
    private static readonly GroupMember Member = new FakeGrains().View.Members[0];

    [Fact]
    public void Sources_are_summed_over_silos_and_unread_ones_are_there()
    {
        var merger = new StatusMerger();
        merger.AddAttached([new FakeGrains().SourceInfo]);
        foreach (var name in (string[])["b", "a"])
        {
            merger.Add(Member with { SiloName = name }, """
                {"silo":"x","generation":7,"tiers":[{"path":"/t","capacity_bytes":10,"used_bytes":3}],"news":[1],
                 "sources":[{"id":"01","path":"/s","uri":"file:///s","hits":3,"misses":1,"bytes_from_cache":30,
                             "bytes_from_under_storage":10,"under_storage_reads":2}],
                 "memory":{"rss_bytes":5,"budget_bytes":9}}
                """u8.ToArray());
        }

        var status = merger.ToStatus();
        Assert.Equal(["a", "b"], status.Silos.Select(silo => silo.Name));
        Assert.Equal((new TierStatus("/t", 10, 3), 5L, 9L), (status.Silos[0].Tiers[0], status.Silos[0].RssBytes, status.Silos[0].MemoryBudgetBytes));
        Assert.Equal(["/a/data", "/s"], status.Sources.Select(source => source.Path));
        Assert.Null(status.Sources[0].HitRatio);
        var sum = status.Sources[1];
        Assert.Equal((6L, 2L, 60L), (sum.Hits, sum.Misses, sum.BytesFromCache));
        Assert.Equal((20L, 4L, 0.75), (sum.BytesFromUnderStorage, sum.UnderStorageReads, sum.HitRatio));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("""{"tiers":[{"path":7}]}""")]
    public void An_answer_that_is_not_the_contract_is_an_error_of_that_silo(string json)
    {
        var merger = new StatusMerger();
        merger.Add(Member, System.Text.Encoding.UTF8.GetBytes(json));
        Assert.Contains("CONTRACT", Assert.Single(merger.ToStatus().Silos).Error, StringComparison.Ordinal);
    }
}
