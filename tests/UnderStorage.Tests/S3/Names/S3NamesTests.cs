using FsCheck;
using FsCheck.Fluent;
using OrleansCache.Files;
using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>Docs/SEMANTICS.md §8, name by name.</summary>
public sealed class S3NamesTests
{
    [Theory]
    [InlineData("", "%empty")]
    [InlineData(".", "%dot")]
    [InlineData("..", "%dotdot")]
    [InlineData("%empty", "%%empty")]
    [InlineData("%%dotdot", "%%%dotdot")]
    [InlineData("empty", "empty")]
    [InlineData("%emptyish", "%emptyish")]
    [InlineData("a%prefix", "a%prefix%")]
    [InlineData("a%object%%", "a%object%%%")]
    [InlineData("%prefix", "%prefix%")]
    [InlineData("a%prefixes", "a%prefixes")]
    [InlineData("100%", "100%")]
    [InlineData("...", "...")]
    [InlineData("é😀", "é😀")]
    [InlineData("\uF780", "\uF7EF\uF79E\uF780")]
    [InlineData("a\r\n", "a\r\n")]
    public void A_segment_has_the_name_that_is_promised(string segment, string name)
    {
        Assert.Equal(name, S3Names.ToName(segment));
        Assert.True(S3Names.TryResolve($"x/{name}", out var place));
        Assert.Equal(new S3Place($"x/{segment}", S3PlaceKind.Any), place);
    }

    [Theory]
    [InlineData("a%prefix", "a", (int)S3PlaceKind.PrefixOnly)]
    [InlineData("a%object", "a", (int)S3PlaceKind.ObjectOnly)]
    [InlineData("a%prefix/b", "a/b", (int)S3PlaceKind.Any)]
    [InlineData("a%prefix/b%object", "a/b", (int)S3PlaceKind.ObjectOnly)]
    [InlineData("%empty%prefix/%dot", "/.", (int)S3PlaceKind.Any)]
    [InlineData("%empty", "", (int)S3PlaceKind.Any)]
    [InlineData("a/%empty", "a/", (int)S3PlaceKind.Any)]
    [InlineData("a%prefix%%prefix", "a%prefix", (int)S3PlaceKind.PrefixOnly)]
    public void A_path_means_one_key(string path, string key, int kind)
    {
        Assert.True(S3Names.TryResolve(path, out var place));
        Assert.Equal(new S3Place(key, (S3PlaceKind)kind), place);
        Assert.Equal(key + "/", place.Prefix);
    }

    [Theory]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData(".")]
    [InlineData("a/../b")]
    [InlineData("%prefix")]
    [InlineData("a%object/b")]
    [InlineData("a%prefix%prefix")]
    [InlineData("a%object%prefix")]
    [InlineData("a\0")]
    [InlineData("a\uFFFD")]
    [InlineData("\uF780")]
    [InlineData("\uF7C3\uF7A9")]
    [InlineData("a\uD800")]
    [InlineData("\uDC00a")]
    public void What_no_listing_gives_means_nothing(string path) => Assert.False(S3Names.TryResolve(path, out _));

    [Fact]
    public void The_root_is_not_the_empty_name_in_it()
    {
        Assert.True(S3Names.TryResolve(string.Empty, out var root));
        Assert.True(S3Names.TryResolve("%empty", out var empty));
        Assert.Equal((true, string.Empty), (root.IsRoot, root.Prefix));
        Assert.Equal((false, "/"), (empty.IsRoot, empty.Prefix));
        Assert.NotEqual(root, empty);
        Assert.Equal(FileKind.Directory, root.Decide(null, hasKeysBelow: false));
    }

    [Fact]
    public void Any_text_is_either_refused_or_the_name_of_its_key_and_nothing_else()
    {
        // Whatever a path resolves to, the names of that key's segments are that path: no second spelling of anything.
        var texts = from head in NastyKeys.Segment
                    from tail in Gen.Elements(string.Empty, "%prefix", "%object", "%", "%%", "\uF780", "\uD800", "\uFFFD", "\0")
                    select head + tail;
        Prop.ForAll(texts.ToArbitrary(), text =>
        {
            if (!S3Names.TryResolve(text, out var place) || place.IsRoot)
            {
                return true;
            }

            var suffix = place.Kind switch
            {
                S3PlaceKind.PrefixOnly => S3Names.PrefixSuffix,
                S3PlaceKind.ObjectOnly => S3Names.ObjectSuffix,
                _ => string.Empty,
            };
            return text.Contains('/') || S3Names.ToName(place.Key, suffix) == text;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    [Theory]
    [InlineData("a", 5L, true, FileKind.File)]
    [InlineData("a", 0L, true, FileKind.Directory)]
    [InlineData("a", 0L, false, FileKind.File)]
    [InlineData("a", null, true, FileKind.Directory)]
    [InlineData("a", null, false, null)]
    [InlineData("a%prefix", 5L, true, FileKind.Directory)]
    [InlineData("a%prefix", 5L, false, null)]
    [InlineData("a%object", 0L, true, FileKind.File)]
    [InlineData("a%object", null, true, null)]
    [InlineData("a/%empty", 5L, false, FileKind.File)]
    [InlineData("a/%empty", 0L, false, null)]
    [InlineData("a/%empty", 0L, true, FileKind.Directory)]
    public void An_object_and_a_prefix_of_one_name_are_told_apart(string path, long? length, bool hasKeysBelow, FileKind? expected)
    {
        Assert.True(S3Names.TryResolve(path, out var place));
        Assert.Equal(expected, place.Decide(length, hasKeysBelow));
    }

    [Fact]
    public void A_key_is_shown_without_what_a_terminal_trips_over() =>
        Assert.Equal(@"a\u0000\u001B\uFFFD\uD800é😀", S3Names.ForPeople("a\0\u001B\uFFFD\uD800é😀"));
}
