using OrleansCache.Files;
using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

public sealed class S3ListingTests
{
    [Fact]
    public async Task A_directory_without_keys_is_not_found_but_the_root_is_empty()
    {
        var pages = BucketOf(("data/other", 1));
        Assert.Equal(ReadStatus.NotFound, (await ListAsync(pages, "data/", "missing")).Status);
        Assert.Equal(ReadStatus.NotFound, (await ListAsync(pages, "data/", "other")).Status);
        Assert.Equal(ReadStatus.NotFound, (await ListAsync(pages, "data/", "no//path")).Status);
        Assert.Equal(ReadStatus.NotADirectory, (await ListAsync(pages, "data/", "other%object")).Status);
        var (status, entries, _) = await ListAsync(pages, "elsewhere/", string.Empty);
        Assert.Equal((ReadStatus.Ok, 0), (status, entries.Count));
    }

    [Fact]
    public async Task A_marker_makes_a_directory_and_is_no_file()
    {
        var pages = BucketOf(("empty/", 0), ("full/", 3), ("full//", 0));
        Assert.Equal(["empty", "full"], await NamesAsync(pages, string.Empty));
        Assert.Equal([], await NamesAsync(pages, "empty"));
        Assert.Equal(["%empty%prefix", "%empty"], await NamesAsync(pages, "full"));
        Assert.Equal([], await NamesAsync(pages, "full/%empty%prefix"));
    }

    [Fact]
    public async Task A_file_with_content_keeps_the_name_and_an_empty_one_steps_back()
    {
        var pages = BucketOf(("a", 1), ("a-1", 1), ("a.txt", 1), ("a/x", 1), ("b", 0), ("b-1", 0), ("b/x", 1), ("b0", 1));
        Assert.Equal(["a", "a-1", "a.txt", "a%prefix", "b-1", "b", "b%object", "b0"], await NamesAsync(pages, string.Empty));
        Assert.Equal(["x"], await NamesAsync(pages, "a%prefix"));
        Assert.Equal(["x"], await NamesAsync(pages, "b"));
    }

    [Fact]
    public async Task Keys_between_an_empty_object_and_its_prefix_are_not_held_back()
    {
        var objects = Enumerable.Range(0, 3000).Select(i => ($"a-{i:D4}", 1)).Append(("a", 0)).Append(("a/x", 1));
        await using var listing = Listing(BucketOf([.. objects]), string.Empty, string.Empty);
        var first = await listing.NextAsync(CancellationToken.None);
        Assert.Equal(999, first.Entries.Count);
        Assert.True(first.ResumeAt!.Length < 200, first.ResumeAt);
        await using var resumed = Listing(BucketOf([.. objects]), string.Empty, string.Empty, first.ResumeAt);
        Assert.Equal(1000, (await resumed.NextAsync(CancellationToken.None)).Entries.Count);
    }

    [Theory]
    [InlineData("a", 0, "a-1 a-2 a z")]
    [InlineData("a", 7, "a-1 a-2 a z")]
    [InlineData(null, 0, "a-1 a-2 z")]
    [InlineData("a/x", 0, "a-1 a-2 a z")]
    public async Task What_was_held_back_is_looked_at_again_by_who_goes_on(string? becomes, int length, string expected)
    {
        var (now, then) = (BucketOf(2, ("a", 0), ("a-1", 1), ("a-2", 1), ("z", 1)), new List<(string Key, int Length)>());
        await using var first = Listing(now, string.Empty, string.Empty);
        var batch = await first.NextAsync(CancellationToken.None);
        Assert.Equal(["a-1"], batch.Entries.Select(entry => entry.Name));
        then.AddRange([("a-1", 1), ("a-2", 1), ("z", 1)]);
        if (becomes is not null)
        {
            then.Add((becomes, length));
        }

        var names = batch.Entries.Concat(await RestAsync(BucketOf(2, [.. then]), batch.ResumeAt)).ToList();
        Assert.Equal(expected, string.Join(' ', names.Select(entry => entry.Name)));
        Assert.Equal(length, names.SingleOrDefault(entry => entry is { Name: "a", Metadata.Kind: FileKind.File }).Metadata.Version.LengthBytes);
    }

    [Fact]
    public async Task Going_on_leaves_nothing_out_that_came_behind_the_last_entry()
    {
        // The page ends in an object that is held back; one before it is new when somebody goes on.
        await using var first = Listing(BucketOf(2, ("a", 1), ("c", 0), ("e", 1)), string.Empty, string.Empty);
        var batch = await first.NextAsync(CancellationToken.None);
        Assert.Equal(["a"], batch.Entries.Select(entry => entry.Name));
        var rest = await RestAsync(BucketOf(2, ("a", 1), ("b", 1), ("c", 3), ("e", 1)), batch.ResumeAt);
        Assert.Equal([("b", 1L), ("c", 3L), ("e", 1L)], rest.Select(entry => (entry.Name, entry.Metadata.Version.LengthBytes)));
    }

    [Fact]
    public async Task Going_on_among_more_held_objects_than_anybody_has_is_not_offered()
    {
        var chain = Enumerable.Range(1, 9).Select(i => ("a" + new string('-', i), 0)).ToArray();
        await using var many = Listing(BucketOf(10, [.. chain, ("a---------.b", 1), ("z", 1)]), string.Empty, string.Empty);
        Assert.Null((await many.NextAsync(CancellationToken.None)).ResumeAt);
        await using var some = Listing(BucketOf(9, [.. chain[1..], ("a---------.b", 1), ("z", 1)]), string.Empty, string.Empty);
        Assert.NotNull((await some.NextAsync(CancellationToken.None)).ResumeAt);
    }

    [Fact]
    public async Task The_next_page_is_asked_for_while_the_caller_works_and_no_further()
    {
        var pages = BucketOf([.. Enumerable.Range(0, 3500).Select(i => ($"k{i:D4}", 1))]);
        await using var listing = Listing(pages, string.Empty, string.Empty);
        Assert.Empty(pages.Requests);
        await listing.NextAsync(CancellationToken.None);
        Assert.Equal([("", null), ("", "k0999")], pages.Requests);
        await listing.NextAsync(CancellationToken.None);
        await listing.NextAsync(CancellationToken.None);
        Assert.True((await listing.NextAsync(CancellationToken.None)).IsLast);
        Assert.Equal(4, pages.Requests.Count);
        Assert.True((await listing.NextAsync(CancellationToken.None)).IsLast);
        Assert.Equal(4, pages.Requests.Count);
    }

    [Fact]
    public async Task A_caller_that_gives_up_ends_the_listing_and_the_request()
    {
        var pages = new ScriptedPages((_, token) => WaitForEndAsync(token));
        await using var listing = Listing(pages, string.Empty, string.Empty);
        using var deadline = new CancellationTokenSource();
        var next = listing.NextAsync(deadline.Token).AsTask();
        await deadline.CancelAsync();
        Assert.Equal(ReadStatus.DeadlineExceeded, (await next).Status);
        Assert.True(pages.LastToken.IsCancellationRequested);
        Assert.Equal(ReadStatus.DeadlineExceeded, (await listing.NextAsync(CancellationToken.None)).Status);
    }

    [Fact]
    public async Task Nobody_asks_for_a_caller_who_has_given_up_already()
    {
        var pages = BucketOf(("a", 1));
        await using var listing = Listing(pages, string.Empty, string.Empty);
        Assert.Equal(ReadStatus.DeadlineExceeded, (await listing.NextAsync(new CancellationToken(canceled: true))).Status);
        Assert.Empty(pages.Requests);
    }

    [Fact]
    public async Task Ending_a_listing_ends_the_request_ahead()
    {
        var pages = new ScriptedPages((after, token) =>
            after is null ? Task.FromResult(PageOf(["a"], [], "a")) : WaitForEndAsync(token));
        var listing = Listing(pages, string.Empty, string.Empty);
        Assert.Equal(ReadStatus.Ok, (await listing.NextAsync(CancellationToken.None)).Status);
        await listing.DisposeAsync();
        Assert.True(pages.LastToken.IsCancellationRequested);
    }

    [Theory]
    [InlineData(ReadStatus.NotFound)]
    [InlineData(ReadStatus.AccessDenied)]
    [InlineData(ReadStatus.Unavailable)]
    public async Task What_the_store_refuses_ends_the_listing(ReadStatus status)
    {
        var pages = new ScriptedPages((after, _) =>
            Task.FromResult(after is null ? PageOf(["a"], [], "a") : S3Page.Failed(status)));
        await using var listing = Listing(pages, string.Empty, string.Empty);
        Assert.Equal(ReadStatus.Ok, (await listing.NextAsync(CancellationToken.None)).Status);
        var second = await listing.NextAsync(CancellationToken.None);
        Assert.Equal((status, true), (second.Status, second.IsLast));
        Assert.Equal(status, (await listing.NextAsync(CancellationToken.None)).Status);
    }

    [Theory]
    [InlineData("d/b,d/a", "", null)] // unordered
    [InlineData("d/a,d/a", "", null)] // twice
    [InlineData("a", "", null)] // outside
    [InlineData("d/a/b", "", null)] // not rolled up
    [InlineData("", "d/", null)] // the directory itself
    [InlineData("", "d/b/,d/a/", null)] // unordered
    [InlineData("", "d/a/b/", null)] // too deep
    [InlineData("", "d/a", null)] // no prefix
    [InlineData("d/a", "", "")] // more follows, but nothing says where
    public async Task A_page_that_makes_no_sense_ends_the_listing(string objects, string prefixes, string? after)
    {
        var pages = new ScriptedPages((_, _) => Task.FromResult(PageOf(Split(objects), Split(prefixes), after, after is not null)));
        var (status, _, _) = await TreeWalk.ListAsync(pages, string.Empty, "d", () => false);
        Assert.Equal(ReadStatus.Unavailable, status);
    }

    [Theory]
    [InlineData("d/a", "d/a", "d/a")] // the same page again
    [InlineData("d/b", "d/a", "d/c")] // back again
    [InlineData("", "d/a", "d/a")] // nothing, for ever
    public async Task A_store_that_runs_in_circles_ends_the_listing(string first, string second, string after)
    {
        var pages = new ScriptedPages((start, _) => Task.FromResult(PageOf(Split(start is null ? first : second), [], after)));
        var (status, _, _) = await TreeWalk.ListAsync(pages, string.Empty, "d", () => true);
        Assert.Equal(ReadStatus.Unavailable, status);
    }

    [Fact]
    public async Task Pages_with_nothing_in_them_are_borne_for_a_while()
    {
        var pages = new ScriptedPages((start, _) => Task.FromResult(
            start is { Length: 20 } ? PageOf(["d/z"], [], null, false) : PageOf([], [], (start ?? "d/") + "a")));
        Assert.Equal(["z"], await NamesAsync(pages, "d"));
        var endless = new ScriptedPages((start, _) => Task.FromResult(PageOf([], [], (start ?? "d/") + "a")));
        Assert.Equal(ReadStatus.Unavailable, (await ListAsync(endless, string.Empty, "d")).Status);
    }

    [Fact]
    public async Task A_page_that_ends_in_an_uncertain_key_is_gone_on_with_after_the_last_certain_one()
    {
        // The store has a byte 0x80 where the text has U+FFFD: it sorts before 'é', U+FFFD after.
        var pages = new ScriptedPages((start, _) => Task.FromResult(start == "d/a"
            ? PageOf(["d/\uFFFD", "d/é"], [], null, false)
            : PageOf(["d/a", "d/\uFFFD"], [], "d/\uFFFD")));
        var (status, entries, unreachable) = await ListAsync(pages, string.Empty, "d");
        Assert.Equal(ReadStatus.Ok, status);
        Assert.Equal(["a", "é"], entries.Select(entry => entry.Name));
        Assert.Equal([@"d/\uFFFD"], unreachable);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a-0999")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{"Format":2,"Last":"a","Given":[],"Late":[]}""")]
    [InlineData("""{"Format":1,"Last":"","Given":[],"Late":[]}""")]
    [InlineData("""{"Format":1,"Last":"a","Given":[2],"Late":[]}""")]
    [InlineData("""{"Format":1,"Last":"a","Given":[],"Late":[-1]}""")]
    [InlineData("""{"Format":1,"Last":"a","Given":[]}""")]
    public void A_place_that_no_listing_gave_is_refused(string resumeAt) =>
        Assert.Throws<ArgumentException>(() => Listing(BucketOf(), string.Empty, "d", resumeAt));

    private static S3Listing Listing(IS3Pages pages, string prefix, string directory, string? resumeAt = null) =>
        new(pages, TreeWalk.Source, TreeWalk.Presentation, prefix, directory, resumeAt);

    private static Task<(ReadStatus Status, List<UnderStorageEntry> Entries, List<string> Unreachable)> ListAsync(
        IS3Pages pages, string prefix, string directory) => TreeWalk.ListAsync(pages, prefix, directory, () => false);

    private static async Task<List<string>> NamesAsync(IS3Pages pages, string directory)
    {
        var (status, entries, _) = await ListAsync(pages, string.Empty, directory);
        Assert.Equal(ReadStatus.Ok, status);
        return [.. entries.Select(entry => entry.Name)];
    }

    private static async Task<List<UnderStorageEntry>> RestAsync(IS3Pages pages, string? resumeAt)
    {
        Assert.NotNull(resumeAt);
        var entries = new List<UnderStorageEntry>();
        await using var listing = Listing(pages, string.Empty, string.Empty, resumeAt);
        ListBatch batch;
        do
        {
            batch = await listing.NextAsync(CancellationToken.None);
            Assert.Equal(ReadStatus.Ok, batch.Status);
            entries.AddRange(batch.Entries);
        }
        while (!batch.IsLast);
        return entries;
    }

    private static PagesInMemory BucketOf(params (string Key, int Length)[] objects) => BucketOf(1000, objects);

    private static PagesInMemory BucketOf(int pageSize, params (string Key, int Length)[] objects) => new(
        objects.Select(one => new S3Object(one.Key, one.Length, DateTime.UnixEpoch, "e")), new Random(1), pageSize, pageSize,
        AfterPrefix.Skips);

    private static string[] Split(string keys) => keys.Split(',', StringSplitOptions.RemoveEmptyEntries);

    private static S3Page PageOf(string[] keys, string[] prefixes, string? after, bool isTruncated = true) => new(
        ReadStatus.Ok, [.. keys.Select(key => new S3Object(key, 1, DateTime.UnixEpoch, "e"))], prefixes, isTruncated,
        string.IsNullOrEmpty(after) ? null : after);

    private static async Task<S3Page> WaitForEndAsync(CancellationToken token)
    {
        var ended = new TaskCompletionSource();
        await using var registration = token.Register(ended.SetResult);
        await ended.Task;
        return S3Page.Failed(ReadStatus.DeadlineExceeded);
    }

    private sealed class ScriptedPages(Func<string?, CancellationToken, Task<S3Page>> answer) : IS3Pages
    {
        public CancellationToken LastToken { get; private set; }

        public ValueTask<S3Page> ListAsync(
            string keyPrefix, bool delimited, string? startAfter, int maxKeys, CancellationToken cancellationToken)
        {
            LastToken = cancellationToken;
            return new ValueTask<S3Page>(answer(startAfter, cancellationToken));
        }
    }
}
