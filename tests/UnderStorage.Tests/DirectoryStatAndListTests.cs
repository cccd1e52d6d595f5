using OrleansCache.Files;

namespace OrleansCache.UnderStorage.Tests;

public sealed class DirectoryStatAndListTests
{
    [Fact]
    public async Task Stat_says_what_Linux_says()
    {
        await using var source = await TempSource.CreateAsync();
        source.Shell("mkdir d; printf 12345 > d/f; chmod 640 d/f; ln d/f d/g; ln -s f d/l; mkfifo d/p");
        source.Shell("touch -d '2001-02-03 04:05:06.123456789Z' d/f");

        var file = await source.StatAsync("d/f");
        Assert.Equal(FileKind.File, file.Kind);
        Assert.Equal(5, file.Version.LengthBytes);
        Assert.Equal(981173106_123456789L, file.Version.ModifiedNs);
        Assert.Equal(0x8000u | Convert.ToUInt32("640", 8), file.Mode);
        Assert.Equal(2u, file.Links);
        Assert.Equal(file.Id, (await source.StatAsync("d/g")).Id);
        Assert.Equal(FileKind.Directory, (await source.StatAsync("d")).Kind);
        Assert.Equal(FileKind.Directory, (await source.StatAsync("")).Kind);
        Assert.Equal(FileKind.Symlink, (await source.StatAsync("d/l")).Kind);
        Assert.Equal(FileKind.Other, (await source.StatAsync("d/p")).Kind);
        Assert.Equal(ReadStatus.NotFound, (await source.Storage.StatAsync("d/none", TempSource.Soon)).Status);
        Assert.Equal(ReadStatus.NotFound, (await source.Storage.StatAsync("d/f/below", TempSource.Soon)).Status);
    }

    [Fact]
    public async Task Identity_survives_rename_and_is_not_inherited_by_a_new_file()
    {
        await using var source = await TempSource.CreateAsync();
        source.Shell("echo a > a");
        var first = await source.StatAsync("a");
        source.Shell("mv a b");
        Assert.Equal(first.Id, (await source.StatAsync("b")).Id);

        // The inode number is usually used again at once; the generation is not.
        source.Shell("rm b; echo a > a");
        Assert.NotEqual(first.Id, (await source.StatAsync("a")).Id);
    }

    [Fact]
    public async Task Listing_gives_the_same_attributes_as_stat()
    {
        await using var source = await TempSource.CreateAsync();
        source.Shell("mkdir d; echo x > f; ln -s nowhere l; mkfifo p");
        var (status, entries) = await source.ListAsync("");
        Assert.Equal(ReadStatus.Ok, status);
        Assert.Equal(["d", "f", "l", "p"], entries.Select(entry => entry.Name).Order(StringComparer.Ordinal));
        foreach (var entry in entries)
        {
            Assert.Equal((await source.StatAsync(entry.Name)), entry.Metadata);
        }
    }

    [Fact]
    public async Task Names_are_bytes()
    {
        await using var source = await TempSource.CreateAsync();
        source.Shell("""printf 1 > $'bad\xff\xc3name'; printf 2 > 'ünï ✓'; printf 3 > $'new\nline'; printf 4 > "$(printf 'x%.0s' {1..255})" """);
        var (_, entries) = await source.ListAsync("");
        Assert.Equal(4, entries.Count);
        Assert.Contains("ünï ✓", entries.Select(entry => entry.Name));
        Assert.Contains(EntryName.FromBytes("bad\u00ff"u8[..3]) + "\uF7FF\uF7C3name", entries.Select(entry => entry.Name));
        foreach (var entry in entries)
        {
            Assert.Equal(entry.Metadata.Id, (await source.StatAsync(entry.Name)).Id);
            Assert.Equal(ReadStatus.Ok, (await source.ReadAsync(entry.Name, entry.Metadata)).Status);
        }

        Assert.Equal(ReadStatus.NotFound, (await source.Storage.StatAsync(new string('x', 256), TempSource.Soon)).Status);
    }

    [Fact]
    public async Task A_hundred_thousand_entries_are_listed_in_batches()
    {
        await using var source = await TempSource.CreateAsync();
        for (var i = 0; i < 100_000; i++)
        {
            File.Create(source.At($"{i:D6}")).Dispose();
        }

        var names = new HashSet<string>();
        var largest = 0;
        var status = await source.Storage.ListAsync(
            "",
            batch =>
            {
                largest = Math.Max(largest, batch.Count);
                names.UnionWith(batch.Select(entry => entry.Name));
            },
            new CancellationTokenSource(TimeSpan.FromMinutes(2)).Token);
        Assert.Equal(ReadStatus.Ok, status);
        Assert.Equal(100_000, names.Count);
        Assert.InRange(largest, 2, 1024);
    }

    [Fact]
    public async Task Listing_what_is_no_directory_is_said()
    {
        await using var source = await TempSource.CreateAsync();
        source.Shell("mkdir d; echo x > f; ln -s d l");
        Assert.Equal(ReadStatus.NotADirectory, (await source.ListAsync("f")).Status);
        Assert.Equal(ReadStatus.NotFound, (await source.ListAsync("none")).Status);
        Assert.NotEqual(ReadStatus.Ok, (await source.ListAsync("l")).Status);
    }

    [Fact]
    public async Task Link_targets_are_given_as_stored()
    {
        await using var source = await TempSource.CreateAsync();
        source.Shell("""ln -s '../x y/ü' l; ln -s $'t\xff' m; echo x > f; mkdir d""");
        Assert.Equal(new LinkOutcome(ReadStatus.Ok, "../x y/ü"), await source.Storage.ReadLinkAsync("l", TempSource.Soon));
        Assert.Equal(new LinkOutcome(ReadStatus.Ok, "t\uF7FF"), await source.Storage.ReadLinkAsync("m", TempSource.Soon));
        Assert.Equal(ReadStatus.InvalidRequest, (await source.Storage.ReadLinkAsync("f", TempSource.Soon)).Status);
        Assert.Equal(ReadStatus.InvalidRequest, (await source.Storage.ReadLinkAsync("d", TempSource.Soon)).Status);
        Assert.Equal(ReadStatus.NotFound, (await source.Storage.ReadLinkAsync("none", TempSource.Soon)).Status);
    }
}
