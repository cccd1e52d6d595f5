using System.Security.Cryptography;
using System.Text;
using OrleansCache.Files;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>Reads: one version or an error.</summary>
public abstract partial class S3DriverContract
{
    private const int Length = 300_000;

    [Fact]
    public async Task Any_range_is_read_and_streamed()
    {
        await using var source = await BucketSource.CreateAsync(store);
        var content = RandomNumberGenerator.GetBytes(Length);
        await source.PutAsync("f", content);
        var file = await source.StatAsync("f");
        foreach (var (offset, length) in ((int, int)[])[(0, Length), (0, 1), (Length - 1, 1), (1000, 65_537), (7, 0), (Length, 0)])
        {
            var (status, bytes) = await source.ReadAsync("f", file, offset, length);
            Assert.Equal(ReadStatus.Ok, status);
            Assert.Equal(content[offset..(offset + length)], bytes);

            var pieces = new Pieces();
            status = await source.Storage.StreamAsync(
                "f", file.Id, file.Version, offset, length, new byte[10_000], pieces, source.Deadline);
            Assert.Equal(ReadStatus.Ok, status);
            Assert.Equal(content[offset..(offset + length)], pieces.All);
            Assert.InRange(pieces.Longest, 0, 10_000);
        }

        Assert.Equal(ReadStatus.InvalidRequest, (await source.ReadAsync("f", file, Length - 1, 2)).Status);
    }

    [Fact]
    public async Task A_stream_that_nobody_wants_any_more_ends_well_and_the_next_read_is_right()
    {
        await using var source = await BucketSource.CreateAsync(store);
        var content = RandomNumberGenerator.GetBytes(4 << 20);
        await source.PutAsync("f", content);
        var file = await source.StatAsync("f");
        for (var round = 0; round < 5; round++)
        {
            var pieces = new Pieces(wanted: 20_000);
            var status = await source.Storage.StreamAsync(
                "f", file.Id, file.Version, 0, content.Length, new byte[16_384], pieces, source.Deadline);
            Assert.Equal(ReadStatus.Ok, status);
            Assert.Equal(content[..pieces.All.Length], pieces.All);
            Assert.InRange(pieces.All.Length, 20_000, 40_000);
        }

        Assert.Equal(content, await source.ReadAllAsync("f", file));
    }

    [Fact]
    public async Task An_empty_object_is_read_without_asking_for_bytes()
    {
        await using var source = await BucketSource.CreateAsync(store);
        await source.PutAsync("f", Array.Empty<byte>());
        var file = await source.StatAsync("f");
        Assert.Equal((ReadStatus.Ok, 0), (await source.ReadAsync("f", file, 0, 0) is var (status, bytes) ? (status, bytes.Length) : default));
        Assert.Equal(ReadStatus.InvalidRequest, (await source.ReadAsync("f", file, 0, 1)).Status);
    }

    [Fact]
    public async Task An_object_of_several_parts_is_read_across_them()
    {
        await using var source = await BucketSource.CreateAsync(store);
        var (first, second) = (RandomNumberGenerator.GetBytes(5 << 20), RandomNumberGenerator.GetBytes(70_000));
        await source.PutInPartsAsync("f", first, second);
        var file = await source.StatAsync("f");
        Assert.EndsWith("-2", file.Version.ETag, StringComparison.Ordinal);
        Assert.Equal(file, (await source.ListAsync(string.Empty)).Entries.Single().Metadata);
        var (status, bytes) = await source.ReadAsync("f", file, first.Length - 1000, 2000);
        Assert.Equal(ReadStatus.Ok, status);
        Assert.Equal([.. first[^1000..], .. second[..1000]], bytes);
    }

    [Fact]
    public async Task A_version_that_was_replaced_is_stale_and_the_new_one_is_read()
    {
        await using var source = await BucketSource.CreateAsync(store);
        var (one, other) = (RandomNumberGenerator.GetBytes(Length), RandomNumberGenerator.GetBytes(Length));
        await source.PutAsync("f", one);
        var old = await source.StatAsync("f");
        await source.PutAsync("f", other); // most likely in the same second, and of the same length
        Assert.Equal(ReadStatus.StaleVersion, (await source.ReadAsync("f", old, 100, 1000)).Status);
        var current = await source.StatAsync("f");
        Assert.Equal(old.Id, current.Id);
        Assert.NotEqual(old.Version, current.Version);
        Assert.Equal(other, await source.ReadAllAsync("f", current));
    }

    [Fact]
    public async Task A_version_that_was_cut_short_is_stale_in_all_of_its_ranges()
    {
        await using var source = await BucketSource.CreateAsync(store);
        var content = RandomNumberGenerator.GetBytes(Length);
        await source.PutAsync("f", content);
        var old = await source.StatAsync("f");
        await source.PutAsync("f", content[..1000]);
        foreach (var (offset, length) in ((int, int)[])[(0, 500), (500, 1000), (Length - 10, 10), (0, Length)])
        {
            Assert.Equal(ReadStatus.StaleVersion, (await source.ReadAsync("f", old, offset, length)).Status);
        }
    }

    [Fact]
    public async Task What_was_deleted_is_not_found_and_comes_back_as_another_version()
    {
        await using var source = await BucketSource.CreateAsync(store);
        await source.PutAsync("d/f", "one");
        var old = await source.StatAsync("d/f");
        await source.DeleteAsync("d/f");
        Assert.Equal(ReadStatus.NotFound, (await source.ReadAsync("d/f", old, 0, 3)).Status);
        Assert.Equal(ReadStatus.NotFound, await source.StatusAsync("d/f"));
        Assert.Equal(ReadStatus.NotFound, await source.StatusAsync("d"));
        await source.PutAsync("d/f", "two");
        Assert.Equal(ReadStatus.StaleVersion, (await source.ReadAsync("d/f", old, 0, 3)).Status);
        Assert.Equal("two", Encoding.UTF8.GetString(await source.ReadAllAsync("d/f", await source.StatAsync("d/f"))));
    }

    [Fact]
    public async Task What_may_not_be_read_is_denied_and_the_rest_is_not()
    {
        await using var source = await BucketSource.CreateAsync(store);
        await source.PutAllAsync(["secret/f", "open/f"], Encoding.UTF8.GetBytes);
        var (secret, open) = (await source.StatAsync("secret/f"), await source.StatAsync("open/f"));
        await store.ForbidReadingAsync($"{source.Prefix}secret/");
        Assert.Equal(ReadStatus.AccessDenied, (await source.ReadAsync("secret/f", secret, 0, 3)).Status);
        Assert.Equal(ReadStatus.AccessDenied, await source.StatusAsync("secret/f"));
        Assert.Equal([secret], (await source.ListAsync("secret")).Entries.Select(entry => entry.Metadata));
        Assert.Equal("open/f", Encoding.UTF8.GetString(await source.ReadAllAsync("open/f", open)));
    }

    [Fact]
    public async Task A_file_that_is_another_is_stale_and_a_directory_is_no_file()
    {
        await using var source = await BucketSource.CreateAsync(store);
        await source.PutAllAsync(["f", "g", "d/x"], _ => [1, 2, 3]);
        var file = await source.StatAsync("f");
        Assert.Equal(ReadStatus.StaleVersion, (await source.ReadAsync("g", file, 0, 3)).Status);
        Assert.Equal(ReadStatus.NotFound, (await source.ReadAsync("d%prefix", file, 0, 3)).Status);
        Assert.NotEqual(ReadStatus.Ok, (await source.ReadAsync("d", file, 0, 3)).Status);
    }

    [Fact]
    public async Task Whoever_gives_up_is_answered()
    {
        await using var source = await BucketSource.CreateAsync(store);
        await source.PutAsync("f", RandomNumberGenerator.GetBytes(Length));
        var file = await source.StatAsync("f");
        using var over = new CancellationTokenSource();
        await over.CancelAsync();
        Assert.Equal(ReadStatus.DeadlineExceeded, (await source.Storage.StatAsync("f", over.Token)).Status);
        Assert.Equal(
            ReadStatus.DeadlineExceeded,
            await source.Storage.ReadAsync("f", file.Id, file.Version, 0, new byte[Length], over.Token));
        await using var listing = source.Storage.List(string.Empty, null);
        Assert.Equal(ReadStatus.DeadlineExceeded, (await listing.NextAsync(over.Token)).Status);
        Assert.Equal(ReadStatus.Ok, (await source.ReadAsync("f", file, 0, Length)).Status);
    }

    [Fact]
    public async Task Readers_of_an_object_that_is_replaced_again_and_again_see_one_version_or_an_error()
    {
        await using var source = await BucketSource.CreateAsync(store);
        await source.PutAsync("f", ContentOf(0));
        using var done = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 4).Select(_ => ReadUntilAsync(source, done.Token)).ToList();
        for (var generation = 1; generation <= 50; generation++)
        {
            await source.PutAsync("f", ContentOf(generation));
        }

        await done.CancelAsync();
        Assert.All(await Task.WhenAll(readers), whole => Assert.True(whole > 0, "no reader ever got a whole version"));
    }

    /// <summary>Reads in four ranges at once; every byte of a version is its generation.</summary>
    private static async Task<int> ReadUntilAsync(BucketSource source, CancellationToken done)
    {
        var whole = 0;
        while (!done.IsCancellationRequested || whole == 0)
        {
            var file = await source.StatAsync("f");
            var quarter = (int)(file.Version.LengthBytes / 4);
            var parts = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => source.ReadAsync("f", file, i * quarter, quarter)));
            Assert.All(parts, part => Assert.True(part.Status is ReadStatus.Ok or ReadStatus.StaleVersion, $"{part.Status}"));
            var bytes = parts.Where(part => part.Status == ReadStatus.Ok).SelectMany(part => part.Bytes).ToArray();
            if (bytes.Length > 0)
            {
                Assert.Equal(ContentOf(bytes[0]).Length, file.Version.LengthBytes);
                Assert.True(bytes.AsSpan().IndexOfAnyExcept(bytes[0]) < 0, "bytes of two versions");
                whole += parts.All(part => part.Status == ReadStatus.Ok) ? 1 : 0;
            }
        }

        return whole;
    }

    private static byte[] ContentOf(int generation)
    {
        var content = new byte[64 * 1024 + (generation % 3 * 4)];
        content.AsSpan().Fill((byte)generation);
        return content;
    }

    private sealed class Pieces(int wanted = int.MaxValue) : IPieceSink
    {
        private readonly MemoryStream _all = new();

        public byte[] All => _all.ToArray();

        public int Longest { get; private set; }

        public bool Accept(ReadOnlySpan<byte> piece)
        {
            _all.Write(piece);
            Longest = Math.Max(Longest, piece.Length);
            return _all.Length < wanted;
        }
    }
}
