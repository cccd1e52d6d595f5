using OrleansCache.Fakes.S3;
using OrleansCache.Files;
using StoreOperation = OrleansCache.Fakes.S3.S3Operation;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>What a name is, and how many requests it takes to know.</summary>
public sealed class S3StatTests
{
    [Fact]
    public async Task A_file_is_one_request_and_a_directory_two()
    {
        await using var source = await S3Source.CreateAsync("set", ("uid", "7"), ("gid", "8"), ("file-mode", "0440"), ("dir-mode", "0550"));
        source.Store.Put(S3Source.Bucket, "set/dir/file", [1, 2, 3]);
        source.Store.Put(S3Source.Bucket, "setting", [1]);
        source.Store.Log.Reset();

        var file = await source.StatAsync("dir/file");
        Assert.Equal((FileKind.File, 3L, 7u, 8u, 0x8000u | 0x120u), (file.Kind, file.Version.LengthBytes, file.Uid, file.Gid, file.Mode));
        Assert.Equal([StoreOperation.HeadObject], source.Store.Log.Requests.Select(one => one.Operation));
        source.Store.Log.Reset();

        var directory = await source.StatAsync("dir");
        Assert.Equal((FileKind.Directory, 0x4000u | 0x168u), (directory.Kind, directory.Mode));
        Assert.Equal(
            [StoreOperation.HeadObject, StoreOperation.ListObjects], source.Store.Log.Requests.Select(one => one.Operation));
        Assert.Equal(ReadStatus.NotFound, (await source.Storage.StatAsync("di", S3Source.Soon)).Status);
        Assert.Equal(ReadStatus.NotFound, (await source.Storage.StatAsync("ting", S3Source.Soon)).Status);
        Assert.Equal(ReadStatus.NotFound, (await source.Storage.StatAsync("dir/file/below", S3Source.Soon)).Status);
        Assert.Equal(FileKind.Directory, (await source.StatAsync("")).Kind);
    }

    [Fact]
    public async Task An_empty_object_beside_keys_below_it_is_a_directory_and_a_full_one_a_file()
    {
        await using var source = await S3Source.CreateAsync();
        source.Store.Put(S3Source.Bucket, "empty", []);
        source.Store.Put(S3Source.Bucket, "marked/", []);
        source.Store.Put(S3Source.Bucket, "both", []);
        source.Store.Put(S3Source.Bucket, "both/below", [1]);
        source.Store.Put(S3Source.Bucket, "full", [1, 2]);
        source.Store.Put(S3Source.Bucket, "full/below", [1]);
        Assert.Equal(FileKind.File, (await source.StatAsync("empty")).Kind);
        Assert.Equal(FileKind.Directory, (await source.StatAsync("marked")).Kind);
        Assert.Equal(FileKind.Directory, (await source.StatAsync("both")).Kind);
        Assert.Equal(FileKind.File, (await source.StatAsync("full")).Kind);
        Assert.Equal(FileKind.File, (await source.StatAsync("both%object")).Kind);
        Assert.Equal(FileKind.Directory, (await source.StatAsync("full%prefix")).Kind);
        Assert.Equal([1], (await source.ReadAsync("full/below", await source.StatAsync("full/below"))).Bytes);
    }

    [Fact]
    public async Task A_listing_and_a_look_say_the_same()
    {
        await using var source = await S3Source.CreateAsync("p");
        string[] names = ["a", "b c", "d+e", "50%", "ü", "dir"];
        foreach (var name in names[..^1])
        {
            source.Store.Put(S3Source.Bucket, $"p/{name}", [1, 2]);
        }

        source.Store.Put(S3Source.Bucket, "p/dir/x", [1]);
        var entries = new List<UnderStorageEntry>();
        Assert.Equal(ReadStatus.Ok, await source.Storage.ListAsync("", entries.AddRange, S3Source.Soon));
        Assert.Equal(names.Order(StringComparer.Ordinal), entries.Select(one => one.Name).Order(StringComparer.Ordinal));
        foreach (var entry in entries)
        {
            Assert.Equal(entry.Metadata, await source.StatAsync(entry.Name));
        }
    }

    [Fact]
    public async Task Names_that_servers_fold_are_looked_up_where_nobody_folds_them()
    {
        await using var source = await S3Source.CreateAsync();
        source.Store.Put(S3Source.Bucket, "a/../secret", [1]);
        source.Store.Put(S3Source.Bucket, "secret", [2, 3]);
        source.Store.Log.Reset();
        var odd = await source.StatAsync("a/%dotdot/secret");
        Assert.Equal(1, odd.Version.LengthBytes);
        Assert.All(source.Store.Log.Requests, one => Assert.Equal(StoreOperation.ListObjects, one.Operation));
        var (status, bytes) = await source.ReadAsync("a/%dotdot/secret", odd);
        Assert.True(status != ReadStatus.Ok || bytes is [1]);
        Assert.Equal(ReadStatus.NotFound, (await source.Storage.StatAsync("a/%dotdot/secre", S3Source.Soon)).Status);
        Assert.Equal(ReadStatus.NotFound, (await source.Storage.StatAsync("a/../secret", S3Source.Soon)).Status);
    }

    [Theory]
    [InlineData(403, null, ReadStatus.AccessDenied)]
    [InlineData(403, "ExpiredToken", ReadStatus.Unavailable)]
    [InlineData(403, "RequestTimeTooSkewed", ReadStatus.Unavailable)]
    [InlineData(400, "ExpiredToken", ReadStatus.Unavailable)]
    public async Task A_refusal_without_a_body_is_explained_by_one_with(int status, string? code, ReadStatus expected)
    {
        await using var source = await S3Source.CreateAsync();
        source.Store.Put(S3Source.Bucket, "f", [1]);
        source.Store.Misbehave(new Misbehaviour { Status = status, Code = code });
        Assert.Equal(expected, (await source.Storage.StatAsync("f", S3Source.Soon)).Status);
        Assert.Equal(2, source.Store.Log.Total);
        source.Store.Behave();
        await source.StatAsync("f");
    }

    [Fact]
    public async Task A_forbidden_object_in_a_bucket_that_may_be_listed_is_access_denied()
    {
        await using var source = await S3Source.CreateAsync();
        source.Store.Put(S3Source.Bucket, "f", [1]);
        source.Store.Misbehave(new Misbehaviour { When = Misbehaviour.On(StoreOperation.HeadObject), Status = 403 });
        Assert.Equal(ReadStatus.AccessDenied, (await source.Storage.StatAsync("f", S3Source.Soon)).Status);
    }

    [Fact]
    public async Task Trouble_that_passes_is_waited_out_and_what_does_not_ends_at_the_deadline()
    {
        await using var source = await S3Source.CreateAsync("", ("timeout", "300ms"));
        source.Store.Put(S3Source.Bucket, "f", [1]);
        source.Store.Misbehave(new Misbehaviour { Status = 500, Times = 2 });
        source.Store.Misbehave(new Misbehaviour { Close = true, Times = 3 });
        source.Store.Misbehave(new Misbehaviour { Hang = true, Times = 1 });
        await source.StatAsync("f");
        source.Store.Misbehave(new Misbehaviour { Garbage = "<ListBucketRes", Times = 2, When = Misbehaviour.On(StoreOperation.ListObjects) });
        Assert.Equal(ReadStatus.NotFound, (await source.Storage.StatAsync("g", S3Source.Soon)).Status);
        source.Store.Misbehave(new Misbehaviour { Hang = true });
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        Assert.Equal(ReadStatus.DeadlineExceeded, (await source.Storage.StatAsync("f", deadline.Token)).Status);
    }

    [Fact]
    public async Task A_bucket_that_is_gone_is_not_found()
    {
        await using var source = await S3Source.CreateAsync();
        source.Store.Misbehave(new Misbehaviour { Status = 404, Code = "NoSuchBucket" });
        Assert.Equal(ReadStatus.NotFound, (await source.Storage.StatAsync("", S3Source.Soon)).Status);
        Assert.Equal(ReadStatus.NotFound, (await source.Storage.StatAsync("x", S3Source.Soon)).Status);
    }
}
