using OrleansCache.Files;
using OrleansCache.Grains.Namespaces;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage;

namespace OrleansCache.Grains.Tests;

public sealed class NamespaceRulesTests
{
    [Theory]
    [InlineData("/", "/")]
    [InlineData("/a", "/a")]
    [InlineData("//a///b/", "/a/b")]
    public void A_path_has_one_spelling(string typed, string normal) => Assert.Equal(normal, NamespacePath.Normalize(typed));

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("/a/../b")]
    [InlineData("/./a")]
    [InlineData("/a\0b")]
    public void What_is_no_path_is_refused(string typed) =>
        Assert.Equal(RequestError.InvalidArgument, Assert.Throws<CacheRequestException>(() => NamespacePath.Normalize(typed)).Error);

    [Fact]
    public void Names_and_paths_have_limits()
    {
        Assert.Throws<CacheRequestException>(() => NamespacePath.Normalize("/" + new string('x', 256)));
        Assert.Throws<CacheRequestException>(() => NamespacePath.Normalize("/" + string.Join('/', Enumerable.Repeat("abcdefg", 512))));
        Assert.Equal("/" + new string('x', 255), NamespacePath.Normalize("/" + new string('x', 255)));
    }

    [Theory]
    [InlineData("/a", "/a", true)]
    [InlineData("/a", "/a/b", true)]
    [InlineData("/a/b", "/a", true)]
    [InlineData("/", "/a", true)]
    [InlineData("/a", "/ab", false)]
    [InlineData("/a/b", "/a/c", false)]
    public void Overlap_is_about_whole_names(string one, string other, bool overlap) =>
        Assert.Equal(overlap, NamespacePath.Overlap(one, other));

    [Fact]
    public void Taken_overlapping_and_double_sources_are_refused_with_advice()
    {
        StoredSource[] attached = [Source("/data/a", "file:///a")];
        AttachRules.Check(attached, "/data/b", SourceIdentity.OfUri("file:///b"));
        foreach (var (path, uri, said) in (ValueTuple<string, string, string>[])
            [("/data/a", "file:///b", "detach"), ("/data", "file:///b", "beside"),
             ("/data/a/x", "file:///b", "beside"), ("/x", "file:///a", "already")])
        {
            var refused = Assert.Throws<CacheRequestException>(() => AttachRules.Check(attached, path, SourceIdentity.OfUri(uri)));
            Assert.Equal(RequestError.AlreadyExists, refused.Error);
            Assert.Contains(said, refused.Message, StringComparison.OrdinalIgnoreCase);
        }

        var missing = Assert.Throws<CacheRequestException>(() => AttachRules.Find(attached, "/nope"));
        Assert.Equal(RequestError.NotFound, missing.Error);
        Assert.Contains("/data/a", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_number_of_sources_is_bounded()
    {
        var attached = Enumerable.Range(0, AttachRules.MaxSources).Select(i => Source($"/{i}", $"file:///{i}")).ToList();
        Assert.Throws<CacheRequestException>(() => AttachRules.Check(attached, "/one-more", SourceIdentity.OfUri("file:///x")));
    }

    [Theory]
    [InlineData("block-size=256KiB", 256 * 1024)]
    [InlineData("block-size=64MiB", 64 << 20)]
    [InlineData("block-size=1048576", 1 << 20)]
    public void Block_sizes_are_read(string option, int expected) =>
        Assert.Equal(expected, SourceOptionParser.Parse([option]).BlockSizeBytes);

    [Theory]
    [InlineData("block-size=128KiB")]
    [InlineData("block-size=128MiB")]
    [InlineData("block-size=3MiB")]
    [InlineData("block-size=99999999999999MiB")]
    [InlineData("block-size=-4MiB")]
    [InlineData("block-size=")]
    [InlineData("block-size=4MB")]
    [InlineData("sync=sometimes")]
    [InlineData("eviction=fifo")]
    [InlineData("eviction=LRU")]
    [InlineData("quota=1MiB")]
    [InlineData("quota=10GB")]
    [InlineData("quota=-1GiB")]
    [InlineData("quota=99999999999999TiB")]
    [InlineData("sync=interval(0s)")]
    [InlineData("sync")]
    [InlineData("=x")]
    public void Unusable_options_are_refused(string option) =>
        Assert.Equal(RequestError.InvalidArgument, Assert.Throws<CacheRequestException>(() => SourceOptionParser.Parse([option])).Error);

    [Fact]
    public void Options_default_combine_and_are_given_once()
    {
        Assert.Equal(new SourceOptions(), SourceOptionParser.Parse([]));
        var parsed = SourceOptionParser.Parse(["sync=always", "block-size=1MiB"]);
        Assert.Equal(new SourceOptions { BlockSizeBytes = 1 << 20, Sync = SyncRule.Always }, parsed);
        Assert.Throws<CacheRequestException>(() => SourceOptionParser.Parse(["sync=always", "sync=never"]));
        Assert.Equal(
            new SourceOptions { Eviction = EvictionKind.Epoch, QuotaBytes = 3L << 40 }, SourceOptionParser.Parse(["eviction=epoch", "quota=3TiB"]));
        Assert.Equal(new SourceOptions { QuotaBytes = 64 << 20 }, SourceOptionParser.Parse(["eviction=s3fifo", "quota=67108864"]));
    }

    [Fact]
    public void Parts_and_patterns_are_read_once_each_and_bounded()
    {
        var parsed = SourceOptionParser.Parse(
            ["sync=never", "sync:/a/b=always", "sync:/a/bc/=interval(5s)", "immutable=*.tar", "immutable=raw/**", "color=red"]);
        Assert.Equal(
            [new SubtreeSync("a/b", SyncRule.Always), new SubtreeSync("a/bc", new SyncRule(TimeSpan.FromSeconds(5)))],
            parsed.Subtrees.ToArray());
        Assert.Equal(["*.tar", "raw/**"], parsed.ImmutableFiles.ToArray());
        Assert.Equal([new DriverOption("color", "red")], parsed.Driver.ToArray());
        Assert.Equal(
            [SyncRule.Never, SyncRule.Always, SyncRule.Always, new SyncRule(TimeSpan.FromSeconds(5))],
            ((string[])["a", "a/b", "a/b/c", "a/bc"]).Select(parsed.RuleIn));
        Assert.Equal([true, true, false], ((string[])["x/y.tar", "raw/1/2", "x/raw"]).Select(parsed.IsImmutable));

        var subtrees = Enumerable.Range(0, SourceOptionParser.MaxSubtrees + 1).Select(i => $"sync:/{i}=always").ToArray();
        var patterns = Enumerable.Range(0, SourceOptionParser.MaxPatterns + 1).Select(i => $"immutable=*.{i}").ToArray();
        Assert.Equal(SourceOptionParser.MaxSubtrees, SourceOptionParser.Parse(subtrees[1..]).Subtrees.Length);
        Assert.Equal(SourceOptionParser.MaxPatterns, SourceOptionParser.Parse(patterns[1..]).ImmutableFiles.Length);
        foreach (var refused in (string[][])
        [
            subtrees, patterns, ["sync:/a=always", "sync:/a/=never"], ["immutable=*", "immutable=*"], ["immutable="], ["sync:a=always"],
            ["sync:/a/../b=always"], ["sync:/a=sometimes"], [$"immutable={new string('x', PathGlob.MaxLength + 1)}"], ["color=red", "color=blue"],
        ])
        {
            Assert.Equal(
                RequestError.InvalidArgument, Assert.Throws<CacheRequestException>(() => SourceOptionParser.Parse(refused)).Error);
        }
    }

    [Fact]
    public void A_source_survives_its_stored_form()
    {
        var root = new FileMetadata
        {
            Id = new(1, ulong.MaxValue),
            Kind = FileKind.Directory,
            Version = new(4096, 5, 6, null),
            Mode = 16877,
            Uid = 1,
            Gid = 2,
            Links = 3,
            AccessedNs = 7,
        };
        var options = new SourceOptions
        {
            BlockSizeBytes = 1 << 20,
            Sync = new SyncRule(TimeSpan.FromMilliseconds(1500)),
            Eviction = EvictionKind.Lru,
            QuotaBytes = 1 << 30,
        };
        var state = new NamespaceState()
            .With(StoredSource.From("/b", SourceIdentity.OfUri("file:///b"), options, [], root)).With(Source("/a", "file:///a"));
        var json = System.Text.Json.JsonSerializer.Serialize(state);
        var table = System.Text.Json.JsonSerializer.Deserialize<NamespaceState>(json)!.ToTable();
        Assert.Equal(2, table.Epoch);
        Assert.Equal(["/a", "/b"], table.Sources.Select(source => source.Path));
        Assert.Equal(root, table.Sources[1].Root);
        Assert.Equal(options, table.Sources[1].Options);
        Assert.Equal(SourceId.FromUri("file:///b"), table.Sources[1].Id);
        Assert.Equal(3, state.Without(state.Sources[0]).Epoch);
    }

    internal static StoredSource Source(string path, string uri) => StoredSource.From(path, SourceIdentity.OfUri(uri), new(), [], new FileMetadata
    {
        Id = default,
        Kind = FileKind.Directory,
        Version = default,
        Mode = 0x4000,
    });
}
