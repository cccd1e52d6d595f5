using OrleansCache.Files;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>The contract on the fake, and what other servers do not let happen.</summary>
public sealed class S3DriverOnFakeTests(FakeStore store) : S3DriverContract(store), IClassFixture<FakeStore>
{
    [Fact]
    public async Task Keys_that_are_not_UTF8_are_told_and_all_others_listed_also_where_a_page_ends_in_one()
    {
        // "\uDC80" is the byte 0x80, as the fake writes it: it sorts before every character beyond ASCII.
        await using var source = await BucketSource.CreateAsync(store);
        var names = Enumerable.Range(0, 998).Select(i => $"k{i:D4}").Append("k0998é").Append("k0998\u00FFz").Append("z").ToList();
        string[] broken = ["k0998\uDC80", "k0998\uDC81", "\uDCFFdir/x", "\uDCFFdir/y", "broken/\uDCC3\uDC28"];
        foreach (var key in names.Concat(broken))
        {
            store.Put(source.Prefix + key, [1]);
        }

        var (entries, unreachable, _) = await source.ListAsync(string.Empty);
        Assert.Equal(names.Append("broken").Order(StringComparer.Ordinal), entries.Select(entry => entry.Name).Order(StringComparer.Ordinal));
        Assert.Equal(
            ((string[])["k0998\\uDC80", "k0998\\uDC81", "\\uDCFFdir/"]).Select(key => source.Prefix + key), unreachable);
        var below = await source.ListAsync("broken");
        Assert.Empty(below.Entries);
        Assert.Equal([source.Prefix + "broken/\\uDCC3("], below.Unreachable);
        Assert.Equal(FileKind.Directory, (await source.StatAsync("broken")).Kind);
        Assert.Equal(ReadStatus.NotFound, await source.StatusAsync("k0998\uDC80"));
    }
}
