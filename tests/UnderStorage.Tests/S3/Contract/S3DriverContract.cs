using System.Text;
using OrleansCache.Files;
using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>
/// What <see cref="IUnderStorage"/> promises, through the S3 driver and a real server's requests. It runs on the fake and on Ceph RGW.
/// </summary>
/// <param name="store">The server.</param>
public abstract partial class S3DriverContract(ContractStore store)
{
    [Fact]
    public async Task A_file_is_what_the_store_says_from_a_look_and_from_a_listing()
    {
        await using var source = await BucketSource.CreateAsync(store);
        await source.PutAsync("dir/file", "hello");
        var file = await source.StatAsync("dir/file");
        Assert.Equal((FileKind.File, 5L, 0x81A0u, 12u, 34u), (file.Kind, file.Version.LengthBytes, file.Mode, file.Uid, file.Gid));
        Assert.Equal("5d41402abc4b2a76b9719d911017c592", file.Version.ETag);
        var age = DateTime.UtcNow - DateTime.UnixEpoch.AddTicks(file.Version.ModifiedNs / 100);
        Assert.InRange(age, TimeSpan.FromHours(-1), TimeSpan.FromHours(1));
        Assert.Equal([file], (await source.ListAsync("dir")).Entries.Select(entry => entry.Metadata));
        var directory = await source.StatAsync("dir");
        Assert.Equal((FileKind.Directory, 0x41E8u), (directory.Kind, directory.Mode));
        Assert.Equal([directory], (await source.ListAsync(string.Empty)).Entries.Select(entry => entry.Metadata));
        Assert.NotEqual(directory.Id, (await source.StatAsync(string.Empty)).Id);
    }

    [Fact]
    public async Task A_fresh_source_is_an_empty_directory_and_nothing_is_in_it()
    {
        await using var source = await BucketSource.CreateAsync(store);
        Assert.Equal(FileKind.Directory, (await source.StatAsync(string.Empty)).Kind);
        Assert.Empty((await source.ListAsync(string.Empty)).Entries);
        foreach (var path in (string[])["a", "a/b", "%empty", "a%prefix", "a%object", "a//b", "..", "/a", new string('x', 300)])
        {
            Assert.Equal(ReadStatus.NotFound, await source.StatusAsync(path));
            await using var listing = source.Storage.List(path, null);
            var batch = await listing.NextAsync(source.Deadline);
            Assert.True(batch.Status is ReadStatus.NotFound or ReadStatus.NotADirectory, $"listing of '{path}': {batch.Status}");
        }
    }

    [Fact]
    public async Task Sources_on_neighbouring_prefixes_do_not_see_each_other()
    {
        await using var source = await BucketSource.CreateAsync(store);
        await source.PutAsync("data/a", "inner");
        await source.PutAsync("data-2/b", "outer");
        await source.PutAsync("data", "object");
        await using var inner = await store.OpenAsync($"s3://{store.Bucket}/{source.Prefix}data");
        await using var listing = inner.List(string.Empty, null);
        Assert.Equal(["a"], (await listing.NextAsync(source.Deadline)).Entries.Select(entry => entry.Name));
        Assert.Equal(ReadStatus.NotFound, (await inner.StatAsync("../data-2/b", source.Deadline)).Status);
        Assert.NotEqual((await source.StatAsync("data/a")).Id, (await inner.StatAsync("a", source.Deadline)).Metadata.Id);
    }

    [Fact]
    public async Task Nasty_keys_are_listed_looked_at_and_read_and_each_path_gives_its_own_object()
    {
        await using var source = await BucketSource.CreateAsync(store);
        string[] keys =
        [
            "a", "a/b", "a//b", "a///", "a/.", "a/..", "a/../b", "a/./b", "../x", "./x", "/lead", "//lead", "trail/", "%empty", "%empty/x",
            "%dot", "%%dotdot/y", "a%prefix", "a%prefix%", "a%prefix/z", "a%object", "a b", "a+b", "a%20b", "a%2Fb", "a%00b", "q?x=1&y#z",
            "<t>&amp;\"'", "back\\slash", "colon:*|", "\u0001\u007F", "line\nfeed\r\n", "tab\t", " lead", "trail ", "é", "e\u0301", "日本/語",
            "😀", "\uE000", "\uF780", "\uF7C3\uF7A9", "\u2028", "\uFEFFbom", "\uFFFC", "\U0010FFFF", "~", "CON", "name.", "...", "a!", "a-/x",
        ];
        await source.PutAllAsync(keys, key => Encoding.UTF8.GetBytes($"content of {key}"));
        var (entries, unreachable) = await source.WalkAsync();
        Assert.Empty(unreachable);
        var found = new List<string>();
        foreach (var (path, metadata) in entries)
        {
            Assert.Equal(metadata, await source.StatAsync(path));
            if (metadata.Kind == FileKind.File)
            {
                Assert.True(S3Names.TryResolve(path, out var place));
                Assert.Equal($"content of {place.Key}", Encoding.UTF8.GetString(await source.ReadAllAsync(path, metadata)));
                found.Add(place.Key);
            }
        }

        Assert.Equal(keys.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
        Assert.Equal(entries.Count, entries.Select(entry => entry.Metadata.Id).Distinct().Count());
    }

    [Fact]
    public async Task Keys_that_begin_with_a_slash_are_themselves_or_refused_and_disturb_nobody()
    {
        // In a URL the slash meets the bucket's. There are servers (Ceph is one) that then compute another signature than the SDK.
        await using var source = await BucketSource.CreateOnBucketAsync(store);
        string[] keys = ["/lead", "//lead", "/", "lead"];
        foreach (var key in keys)
        {
            await source.PutAwkwardAsync(key, $"content of {key}");
        }

        var (entries, unreachable) = await source.WalkAsync();
        Assert.Empty(unreachable);
        var files = entries.Where(entry => entry.Metadata.Kind == FileKind.File).ToList();
        Assert.Equal(
            ["%empty/%empty", "%empty/%empty%prefix/lead", "%empty/lead", "lead"],
            files.Select(file => file.Path).Order(StringComparer.Ordinal));
        foreach (var (path, metadata) in files)
        {
            Assert.True(S3Names.TryResolve(path, out var place));
            Assert.Equal(metadata, await source.StatAsync(path));
            var (status, bytes) = await source.ReadAsync(path, metadata, 0, (int)metadata.Version.LengthBytes);
            Assert.True(status == ReadStatus.Ok || place.Key[0] == '/', $"{path}: {status}");
            Assert.True(status != ReadStatus.Ok || Encoding.UTF8.GetString(bytes) == $"content of {place.Key}", $"{path}: wrong bytes");
        }
    }

    [Fact]
    public async Task An_object_and_a_prefix_of_one_name_are_both_there()
    {
        await using var source = await BucketSource.CreateAsync(store);
        await source.PutAllAsync(["full", "full/x", "empty/x", "empty-/y", "full.txt", "marked/x", "content/"], Encoding.UTF8.GetBytes);
        await source.PutAllAsync(["empty", "marked/", "alone", "only/"], _ => []);
        var (entries, _, _) = await source.ListAsync(string.Empty);
        Assert.Equal(
            ["alone", "content/", "empty-/", "empty/", "empty%object", "full", "full.txt", "full%prefix/", "marked/", "only/"],
            entries.Select(entry => entry.Metadata.Kind == FileKind.Directory ? entry.Name + "/" : entry.Name));
        Assert.Equal(FileKind.Directory, (await source.StatAsync("empty")).Kind);
        Assert.Equal((FileKind.File, 0L), Shape(await source.StatAsync("empty%object")));
        Assert.Equal((FileKind.File, 4L), Shape(await source.StatAsync("full")));
        Assert.Equal(FileKind.Directory, (await source.StatAsync("full%prefix")).Kind);
        Assert.Equal((FileKind.File, 0L), Shape(await source.StatAsync("alone")));
        Assert.Equal((FileKind.File, 8L), Shape(await source.StatAsync("content/%empty")));
        Assert.Equal(FileKind.Directory, (await source.StatAsync("only")).Kind);
        Assert.Equal(ReadStatus.NotFound, await source.StatusAsync("marked/%empty"));
        Assert.Empty((await source.ListAsync("only")).Entries);
        Assert.Equal(["x"], (await source.ListAsync("full%prefix")).Entries.Select(entry => entry.Name));
    }

    [Fact]
    public async Task A_key_of_1024_bytes_is_a_path_and_a_segment_over_255_is_told()
    {
        await using var source = await BucketSource.CreateAsync(store);
        var longest = new StringBuilder();
        while (Encoding.UTF8.GetByteCount(source.Prefix) + longest.Length < 1024)
        {
            longest.Append(longest.Length % 200 == 199 ? '/' : 'k');
        }

        var tooLong = new string('s', 256);
        await source.PutAllAsync([longest.ToString(), $"in/{tooLong}", $"in/{tooLong}/below/it", "in/fine"], Encoding.UTF8.GetBytes);
        var file = await source.StatAsync(longest.ToString());
        Assert.Equal(longest.ToString(), Encoding.UTF8.GetString(await source.ReadAllAsync(longest.ToString(), file)));
        var (entries, unreachable) = await source.WalkAsync();
        Assert.Contains((longest.ToString(), file), entries);
        Assert.Equal([$"{source.Prefix}in/{tooLong}", $"{source.Prefix}in/{tooLong}/"], unreachable);
        Assert.Equal(ReadStatus.NotFound, await source.StatusAsync($"in/{tooLong}"));
        Assert.Equal(ReadStatus.NotFound, await source.StatusAsync(longest + "k")); // no store has such a key
    }

    [Fact]
    public async Task The_probe_leaves_nothing_behind()
    {
        await using var source = await BucketSource.CreateAsync(store);
        Assert.NotEmpty(await source.Storage.ProbeAsync(source.Deadline));
        Assert.Empty((await source.ListAsync(string.Empty)).Entries);
    }

    [Fact]
    public async Task What_cannot_be_opened_is_said_at_once()
    {
        var missing = await Assert.ThrowsAsync<CacheRequestException>(() => store.OpenAsync($"s3://{store.Bucket}-not"));
        Assert.Equal(RequestError.NotFound, missing.Error);
        var refused = await Assert.ThrowsAsync<CacheRequestException>(() => store.OpenWithWrongSecretAsync($"s3://{store.Bucket}/x"));
        Assert.Equal(RequestError.AccessDenied, refused.Error);
    }

    private static (FileKind Kind, long Length) Shape(FileMetadata file) => (file.Kind, file.Version.LengthBytes);
}
