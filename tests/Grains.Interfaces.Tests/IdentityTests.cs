using OrleansCache.Blocks;
using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.Grains.Interfaces.Tests;

/// <summary>Values that are formats: blocks on disk and in other processes are found by them. A change here needs a new version.</summary>
public sealed class IdentityTests
{
    [Fact]
    public void File_keys_are_what_they_always_were()
    {
        var source = SourceId.FromUri("file:///data/imagenet");
        Assert.Equal("1f3124972cd65e9d", source.ToString());
        var file = new FileId(0x0123456789abcdef, 0xfedcba9876543210);
        var version = new FileVersion(1_234_567, 1_700_000_000_123_456_789, 1_700_000_001_987_654_321, null);
        Assert.Equal("da10d0c7587da48b7c7475874b4dd02c", FileKey.Derive(source, file, version, BlockLayout.Default).ToString());
        Assert.Equal("6416fb71ea5bb061ea0456e788946233", FileKey.Derive(source, file, version with { ETag = "" }, BlockLayout.Default).ToString());
        Assert.Equal("b0fe08f15eb0d69f68989160b79c338f",
            FileKey.Derive(source, file, version with { ETag = "\"etag\"" }, new BlockLayout(1 << 20)).ToString());
    }

    [Fact]
    public void Every_part_of_a_version_changes_its_key()
    {
        var version = new FileVersion(1, 2, 3, null);
        FileKey[] keys =
        [
            FileKey.Derive(new(1), new(2, 3), version, BlockLayout.Default),
            FileKey.Derive(new(9), new(2, 3), version, BlockLayout.Default),
            FileKey.Derive(new(1), new(9, 3), version, BlockLayout.Default),
            FileKey.Derive(new(1), new(2, 9), version, BlockLayout.Default),
            FileKey.Derive(new(1), new(2, 3), version with { LengthBytes = 9 }, BlockLayout.Default),
            FileKey.Derive(new(1), new(2, 3), version with { ModifiedNs = 9 }, BlockLayout.Default),
            FileKey.Derive(new(1), new(2, 3), version with { ChangedNs = 9 }, BlockLayout.Default),
            FileKey.Derive(new(1), new(2, 3), version with { ETag = "" }, BlockLayout.Default),
            FileKey.Derive(new(1), new(2, 3), version, new BlockLayout(1 << 20)),
        ];
        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.Throws<ArgumentException>(
            () => FileKey.Derive(new(1), new(2, 3), version with { ETag = new string('x', 1025) }, BlockLayout.Default));
    }

    [Fact]
    public void A_key_is_read_back_from_its_text()
    {
        var key = new FileKey(1, ulong.MaxValue);
        Assert.True(FileKey.TryParse(key.ToString(), out var read));
        Assert.Equal(key, read);
        foreach (var text in (string[])["", "1", new string('g', 32), key + "0", " " + key.ToString()[1..]])
        {
            Assert.False(FileKey.TryParse(text, out _), text);
        }
    }

    [Fact]
    public void An_inode_number_is_never_one_the_kernel_keeps()
    {
        Assert.Equal([2UL, 3UL, 2UL, 77UL], new ulong[] { 0, 1, 2, 77 }.Select(low => new FileId(5, low).InodeNumber));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(4 << 20, 1)]
    [InlineData((4 << 20) + 1, 2)]
    public void A_layout_cuts_a_file(long length, int blocks)
    {
        var layout = BlockLayout.Default;
        Assert.Equal(blocks, layout.CountFor(length));
        Assert.Equal(length, Enumerable.Range(0, blocks).Sum(index => (long)layout.LengthOf(index, length)));
        Assert.Equal(0, layout.LengthOf(blocks, length));
        Assert.True(blocks == 0 || layout.IndexOf(length - 1) == blocks - 1);
    }

    [Fact]
    public void Blocks_belong_to_runs_and_small_files_to_shards()
    {
        var key = new FileKey(0xFC00_0000_0000_0000, 0);
        Assert.Equal("small/63", BlockRun.GrainKeyOf(new(key, 0), 1));
        Assert.Equal($"{key}/0", BlockRun.GrainKeyOf(new(key, 63), 100));
        Assert.Equal($"{key}/1", BlockRun.GrainKeyOf(new(key, 64), 100));
    }

    [Theory]
    [InlineData("always", 0)]
    [InlineData("interval(1ms)", 1)]
    [InlineData("interval(1.5s)", 1500)]
    [InlineData("interval(10s)", 10_000)]
    [InlineData("interval(2m)", 120_000)]
    [InlineData("interval(168h)", 604_800_000)]
    public void Sync_rules_are_read_and_written(string text, long milliseconds)
    {
        Assert.True(SyncRule.TryParse(text, out var rule));
        Assert.Equal(milliseconds, rule.Interval.TotalMilliseconds);
        Assert.True(SyncRule.TryParse(rule.ToString(), out var again));
        Assert.Equal(rule, again);
        Assert.Equal(milliseconds == 0, rule.IsDue(TimeSpan.Zero));
        Assert.True(rule.IsDue(rule.Interval));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Always")]
    [InlineData("interval")]
    [InlineData("interval()")]
    [InlineData("interval(s)")]
    [InlineData("interval(10)")]
    [InlineData("interval(10d)")]
    [InlineData("interval(-1s)")]
    [InlineData("interval(0s)")]
    [InlineData("interval(169h)")]
    [InlineData("interval(NaNs)")]
    [InlineData("interval(1e3s)")]
    [InlineData("interval(10s) ")]
    public void What_is_no_sync_rule_is_refused(string text) => Assert.False(SyncRule.TryParse(text, out _));

    [Fact]
    public void Never_is_never_due()
    {
        Assert.True(SyncRule.TryParse("never", out var never));
        Assert.False(never.IsDue(TimeSpan.MaxValue));
        Assert.Equal("never", never.ToString());
    }
}
