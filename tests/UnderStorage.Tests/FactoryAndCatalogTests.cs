using OrleansCache.Files;
using OrleansCache.Namespaces;
using OrleansCache.UnderStorage.Directories;

namespace OrleansCache.UnderStorage.Tests;

public sealed class FactoryAndCatalogTests
{
    private static readonly DirectoryUnderStorageFactory Factory = new(new(), TimeProvider.System);

    [Theory]
    [InlineData("file:///a/../b/", "file:///b")]
    [InlineData("file:///", "file:///")]
    [InlineData("file:////a//b/./c//", "file:///a/b/c")]
    [InlineData("file:///../..", "file:///")]
    [InlineData("FILE://localhost/a", "file:///a")]
    [InlineData("file:///my%20data/50%25", "file:///my data/50%25")]
    [InlineData("file:///my data/100%", "file:///my data/100%25")]
    [InlineData("file:///a%2Fb", "file:///a/b")]
    [InlineData("file:///%FF", "file:///\uF7FF")]
    public void A_source_has_one_spelling(string uri, string canonical)
    {
        Assert.Equal(canonical, Factory.Identify(uri, new()).Uri);
        Assert.Equal(SourceIdentity.OfUri(canonical), Factory.Identify(canonical, new()));
    }

    [Theory]
    [InlineData("file://relative/path")]
    [InlineData("file://")]
    [InlineData("/no/scheme")]
    [InlineData("s3://bucket")]
    [InlineData("file:///a%00b")]
    public void What_is_no_directory_URI_is_refused_with_advice(string uri)
    {
        var refused = Assert.Throws<CacheRequestException>(() => Factory.Identify(uri, new()));
        Assert.Equal(RequestError.InvalidArgument, refused.Error);
        Assert.Contains("file:///absolute/path", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_option_nobody_knows_is_refused()
    {
        var options = new SourceOptions { Driver = [new DriverOption("color", "red")] };
        var refused = Assert.Throws<CacheRequestException>(() => Factory.Identify("file:///a", options));
        Assert.Contains("'color'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_a_surrogate_pair_is_no_name() => // a fact: the runner cannot carry such text as an argument
        Assert.Throws<CacheRequestException>(() => Factory.Identify("file:///\ud800", new()));

    [Fact]
    public async Task Missing_and_wrong_roots_are_explained()
    {
        await using var source = await TempSource.CreateAsync();
        source.Shell("echo x > f");
        Assert.Equal(RequestError.NotFound, (await RefusedAsync(source.At("none"))).Error);
        var wrong = await RefusedAsync(source.At("f"));
        Assert.Equal(RequestError.InvalidArgument, wrong.Error);
        Assert.Contains("not a directory", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_as_root_is_resolved_once()
    {
        await using var source = await TempSource.CreateAsync();
        source.Shell("mkdir a b; echo x > a/inside; ln -s a link");
        await using var storage = await Factory.OpenAsync(Factory.Identify($"file://{source.At("link")}", new()), new(), TempSource.Soon);
        source.Shell("ln -sfn b link");
        Assert.Equal(ReadStatus.Ok, (await storage.StatAsync("inside", TempSource.Soon)).Status);
    }

    [Fact]
    public async Task The_catalog_opens_a_source_once_finds_it_again_and_closes_it()
    {
        await using var source = await TempSource.CreateAsync();
        var uri = $"file://{source.Root}/";
        SourceInfo? attached = null;
        await using var catalog = new UnderStorageCatalog([Factory], (_, _) => new(attached));
        var opened = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => catalog.OpenAsync(uri, new(), TempSource.Soon).AsTask()));
        Assert.All(opened, one => Assert.Same(opened[0], one));
        Assert.Same(opened[0], await catalog.FindAsync(source.Storage.Source, TempSource.Soon));

        await catalog.CloseAsync(source.Storage.Source);
        Assert.Equal(ReadStatus.Unavailable, (await opened[0].StatAsync("", TempSource.Soon)).Status);
        Assert.Null(await catalog.FindAsync(source.Storage.Source, TempSource.Soon));

        // After a restart: not open, but in the table.
        attached = new SourceInfo
        {
            Id = source.Storage.Source,
            Path = "/x",
            Uri = Factory.Identify(uri, new()).Uri,
            Options = new(),
            Root = await source.StatAsync(""),
        };
        var again = await catalog.FindAsync(source.Storage.Source, TempSource.Soon);
        Assert.Equal(ReadStatus.Ok, (await again!.StatAsync("", TempSource.Soon)).Status);
    }

    [Fact]
    public async Task A_failed_opening_is_forgotten_and_an_unknown_scheme_is_named()
    {
        await using var source = await TempSource.CreateAsync();
        await using var catalog = new UnderStorageCatalog([Factory], (_, _) => new((SourceInfo?)null));
        var uri = $"file://{source.At("later")}";
        await Assert.ThrowsAsync<CacheRequestException>(async () => await catalog.OpenAsync(uri, new(), TempSource.Soon));
        Directory.CreateDirectory(source.At("later"));
        await catalog.OpenAsync(uri, new(), TempSource.Soon);
        var refused = await Assert.ThrowsAsync<CacheRequestException>(
            async () => await catalog.OpenAsync("gopher://x", new(), TempSource.Soon));
        Assert.Contains("file://", refused.Message, StringComparison.Ordinal);
    }

    private static async Task<CacheRequestException> RefusedAsync(string path) =>
        await Assert.ThrowsAsync<CacheRequestException>(
            async () => await Factory.OpenAsync(Factory.Identify($"file://{path}", new()), new(), TempSource.Soon));
}
