using OrleansCache.Files;
using OrleansCache.Silo.Serving;
using OrleansCache.Silo.Telemetry;

namespace OrleansCache.Silo.Tests.Serving;

/// <summary>The bounded table of rights.</summary>
public sealed class CapabilityTableTests
{
    private static readonly byte[] Key = new byte[32];
    private readonly SourceCounters _counters = new();

    [Fact]
    public void It_never_holds_more_than_its_capacity_and_keeps_what_is_used()
    {
        var table = new CapabilityTable(100);
        var used = Capability(0);
        table.Put(used, _counters);
        for (ulong number = 1; number <= 10_000; number++)
        {
            table.Put(Capability(number), _counters);
            Assert.True(table.TryGet(used.Key, out _), $"the one in use was dropped after {number} others");
            Assert.True(table.Count <= 100);
        }

        Assert.Equal(100, table.Count);
        Assert.False(table.TryGet(Capability(1).Key, out _));
    }

    [Fact]
    public void A_later_expiry_replaces_an_earlier_one_and_not_the_other_way_round()
    {
        var table = new CapabilityTable(10);
        table.Put(Capability(1, expiresUnixSeconds: 100), _counters);
        table.Put(Capability(1, expiresUnixSeconds: 200), _counters);
        table.Put(Capability(1, expiresUnixSeconds: 150), _counters);
        Assert.True(table.TryGet(Capability(1).Key, out var entry));
        Assert.Equal(200, entry.Capability.Seal.ExpiresUnixSeconds);
        Assert.Equal(1, table.Count);
    }

    private static ReadCapability Capability(ulong number, long expiresUnixSeconds = 1000) => ReadCapability.Issue(
        new SourceId(1), "path", new FileId(1, number), new FileVersion(1, 2, 3, null), BlockLayout.Default,
        DateTimeOffset.FromUnixTimeSeconds(expiresUnixSeconds), Key);
}
