using System.Text;
using System.Text.Json;
using OrleansCache.Cli.Commands;
using OrleansCache.Cli.Output;
using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.Cli.Tests;

/// <summary>Sources and unreachable keys as docs/CONTRACT.md writes them.</summary>
public sealed class SourceOutputTests
{
    private static readonly SourceInfo Source = new()
    {
        Id = SourceId.FromUri("s3://bucket/data"),
        Path = "/data",
        Uri = "s3://bucket/data",
        Options = new SourceOptions
        {
            Sync = SyncRule.Always,
            Subtrees = [new SubtreeSync("old/sets", SyncRule.Never)],
            ImmutableFiles = ["*.tar", "shards/**"],
            Eviction = EvictionKind.Epoch,
            QuotaBytes = 200L << 30,
            Driver = [new DriverOption("endpoint", "http://store:9000"), new DriverOption("region", "eu")],
        },
        Facts = [new SourceFact("fenced", "yes"), new SourceFact("checksums", "unknown")],
        Root = new FileMetadata { Id = new FileId(1, 2), Kind = FileKind.Directory, Version = default, Mode = 0x41ED, Links = 2 },
    };

    [Fact]
    public void A_source_in_json_has_its_options_and_what_its_store_can_do()
    {
        var json = Write(writer => EntryJson.WriteSource(writer, Source));
        Assert.Equal(
            $$$"""
            {"id":"{{{Source.Id}}}","path":"/data","uri":"s3://bucket/data","block_size":4194304,"sync":"always",
            "subtrees":[{"path":"/old/sets","sync":"never"}],"immutable":["*.tar","shards/**"],
            "eviction":"epoch","quota_bytes":214748364800,
            "options":{"endpoint":"http://store:9000","region":"eu"},"facts":{"fenced":"yes","checksums":"unknown"}}
            """.ReplaceLineEndings(""),
            json);
        var plain = Write(writer => EntryJson.WriteSource(writer, Source with { Options = new SourceOptions(), Facts = [] }));
        Assert.EndsWith(
            "\"subtrees\":[],\"immutable\":[],\"eviction\":\"s3fifo\",\"quota_bytes\":0,\"options\":{},\"facts\":{}}",
            plain, StringComparison.Ordinal);
    }

    [Fact]
    public void A_source_in_a_table_has_its_options_as_they_were_typed()
    {
        Assert.Equal(
            "sync:/old/sets=never immutable=*.tar immutable=shards/** eviction=epoch quota=200GiB endpoint=http://store:9000 region=eu",
            EntryJson.OptionsOf(Source));
        Assert.Equal("fenced=yes checksums=unknown", EntryJson.FactsOf(Source));
    }

    [Fact]
    public void Keys_that_no_path_can_name_are_one_harmless_line()
    {
        Assert.Equal(
            "ocache: the under storage has keys in /d that no path can name: 'x//y', 'a?b'.",
            LsCommand.DescribeUnreachable("/d", ["x//y", "a\nb"]));
        Assert.EndsWith(
            " and perhaps more.",
            LsCommand.DescribeUnreachable("/d", [.. Enumerable.Repeat("k", DirectoryPage.MaxUnreachable)]), StringComparison.Ordinal);
    }

    private static string Write(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            write(writer);
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
