using OrleansCache.Metadata;

namespace OrleansCache.Client.Tests.Metadata;

public sealed class NamespacePathTests
{
    [Theory]
    [InlineData("/", "/")]
    [InlineData("//a///b/", "/a/b")]
    [InlineData("/a/./b/../c", "/a/c")]
    [InlineData("/../..", "/")]
    public void What_a_person_types_is_cleaned(string text, string path)
    {
        Assert.True(NamespacePath.TryNormalize(text, out var clean));
        Assert.Equal(path, clean);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("/a\0b")]
    public void What_is_no_path_is_refused(string text) => Assert.False(NamespacePath.TryNormalize(text, out _));

    [Fact]
    public void Names_and_paths_have_Linux_limits()
    {
        Assert.False(NamespacePath.TryNormalize("/" + new string('n', 256), out _));
        Assert.False(NamespacePath.TryNormalize("/" + new string('/', 4096), out _));
        Assert.True(NamespacePath.TryNormalize("/" + new string('n', 255), out _));
    }

    [Fact]
    public void Parts_and_whole_belong_together()
    {
        Assert.Equal("/a", NamespacePath.Combine("/", "a"));
        Assert.Equal("/a/b", NamespacePath.Combine("/a", "b"));
        Assert.Equal(("/a", "b"), (NamespacePath.ParentOf("/a/b"), NamespacePath.NameOf("/a/b")));
        Assert.Equal(("/", "a"), (NamespacePath.ParentOf("/a"), NamespacePath.NameOf("/a")));
        Assert.Equal("/", NamespacePath.ParentOf("/"));
    }
}
