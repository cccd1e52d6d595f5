using OrleansCache.Files;

namespace OrleansCache.Grains.Tests;

/// <summary>Listings of a store that lists in order: served while they run, kept, resumed, asked for no more often than promised.</summary>
public sealed class StreamedListingTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Pages_are_served_while_the_listing_runs() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(Filled(9500), "interval(10s)");
        var gate = new TaskCompletionSource();
        directory.Storage.Hold = (3, gate.Task);
        string? after = null;
        var names = new List<string>();
        while (names.Count < 2000)
        {
            var page = await directory.Book.ListAsync(after, default);
            names.AddRange(page.Entries.Select(entry => entry.Name));
            after = page.Next;
        }

        Assert.Equal(2000, names.Count);
        var waiting = directory.Book.ListAsync(after, default).AsTask();
        Assert.False(waiting.IsCompleted);
        gate.SetResult();
        names.AddRange((await waiting).Entries.Select(entry => entry.Name));
        names.AddRange((await directory.PagesAsync(names[^1])).SelectMany(page => page.Entries).Select(entry => entry.Name));
        Assert.Equal(directory.Storage.All().Select(entry => entry.Name), names);
        Assert.Equal((10, 0), (directory.Storage.Pages, directory.Storage.Stats));
        Assert.Single(directory.Storage.Begun); // one listing, read on
    });

    [Fact]
    public async Task The_first_page_lists_a_few_parts_ahead_not_the_whole_directory() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(Filled(20_000, pageSize: 100), "interval(10s)");
        await directory.Book.ListAsync(null, default);
        for (var quiet = 0; quiet < 200; quiet++)
        {
            await Task.Yield();
        }

        Assert.InRange(directory.Storage.Pages, 2, 12);
    });

    [Fact]
    public async Task After_a_restart_what_is_fresh_is_not_listed_again() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(Filled(2500), "interval(10s)");
        var names = await directory.NamesAsync();
        var requests = directory.Storage.Requests;
        directory.Time.Advance(TimeSpan.FromSeconds(9));
        directory.Restart();
        Assert.Equal(names, await directory.NamesAsync());
        Assert.Equal(ReadStatus.Ok, (await directory.LookupAsync("000007")).Status);
        var missing = await directory.LookupAsync("none");
        Assert.Equal((ReadStatus.NotFound, TimeSpan.FromSeconds(1)), (missing.Status, missing.Lease));
        Assert.Equal(requests, directory.Storage.Requests);

        directory.Restart();
        directory.Time.Advance(TimeSpan.FromSeconds(1)); // downtime counts
        directory.Storage.Put("new");
        Assert.Contains("new", await directory.NamesAsync());
        Assert.Equal(requests + 3, directory.Storage.Requests);
    });

    [Fact]
    public async Task A_clock_that_went_back_makes_everything_due() => await Turn.RunAsync(async () =>
    {
        foreach (var rule in (string[])["interval(10s)", "never"])
        {
            var directory = new ListedDirectory(Filled(10), rule);
            await directory.NamesAsync();
            directory.Time.Advance(TimeSpan.FromSeconds(-3600));
            directory.Restart();
            await directory.NamesAsync();
            Assert.Equal(2, directory.Storage.Pages);
        }
    });

    [Fact]
    public async Task A_listing_that_was_cut_goes_on_where_it_was() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(Filled(9500), "interval(10s)");
        directory.Storage.Hold = (4, Task.Delay(Timeout.Infinite));
        var first = await directory.Book.ListAsync(null, default);
        while (directory.Storage.Pages < 4)
        {
            await Task.Yield(); // three parts are kept, the fourth hangs
        }

        directory.Restart();
        directory.Storage.Hold = null;
        directory.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(9500, (await directory.NamesAsync()).Count);
        Assert.Equal(["", "002999"], directory.Storage.Begun);
        Assert.Equal(11, directory.Storage.Pages); // ten and the one that hung
        Assert.Equal(TimeSpan.FromSeconds(10), first.Lease);
    });

    [Fact]
    public async Task A_place_to_go_on_at_that_is_not_understood_any_more_is_listed_from_before_it() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(Filled(9500), "interval(10s)");
        directory.Storage.Hold = (4, Task.Delay(Timeout.Infinite));
        await directory.Book.ListAsync(null, default);
        while (directory.Storage.Pages < 4)
        {
            await Task.Yield();
        }

        directory.Restart();
        directory.Storage.Hold = null;
        directory.Storage.RefusesToResume = true;
        Assert.Equal(9500, (await directory.NamesAsync()).Count);
        Assert.Equal(["", ""], directory.Storage.Begun);
    });

    [Fact]
    public async Task A_later_page_is_never_older_than_a_minute_also_with_always() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(Filled(2500), "always");
        var pages = await directory.PagesAsync();
        var requests = directory.Storage.Requests;
        directory.Time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(pages[1].Entries.Length, (await directory.Book.ListAsync(pages[0].Next, default)).Entries.Length);
        Assert.Equal(requests, directory.Storage.Requests);
        directory.Time.Advance(TimeSpan.FromSeconds(2));
        var first = pages[1].Entries[0].Name;
        directory.Storage.Put(first, version: 2);
        Assert.Equal(2, (await directory.Book.ListAsync(pages[0].Next, default)).Entries[0].Metadata.Version.LengthBytes);
    });

    [Fact]
    public async Task A_listing_forgotten_while_it_is_made_loses_no_name() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(Filled(9500), "never");
        var gate = new TaskCompletionSource();
        directory.Storage.Hold = (4, gate.Task);
        await directory.Book.ListAsync(null, default);
        while (directory.Storage.Pages < 4)
        {
            await Task.Yield();
        }

        await directory.Listings.DropAsync(directory.Storage.Source, default);
        await directory.LookupAsync("000500"); // finds it gone
        await directory.LookupAsync("000501");
        gate.SetResult();
        directory.Storage.Hold = null;
        for (var quiet = 0; quiet < 200; quiet++)
        {
            await Task.Yield();
        }

        Assert.Equal(directory.Storage.All().Select(entry => entry.Name), await directory.NamesAsync());
    });

    [Fact]
    public async Task Names_that_went_or_changed_are_found_told_and_counted() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(Filled(2500), "interval(10s)");
        var pages = await directory.PagesAsync();
        var version = pages[0].ListingVersion;
        Assert.All(pages, page => Assert.Equal(version, page.ListingVersion)); // parts listed for the first time change nothing
        directory.Time.Advance(Interval);
        Assert.Equal(version, (await directory.PagesAsync())[^1].ListingVersion);
        Assert.Empty(directory.Changes.Said);

        directory.Storage.Remove("000001");
        directory.Storage.Put("002000", version: 2);
        directory.Storage.Put("zz");
        directory.Time.Advance(Interval);
        Assert.Equal(directory.Storage.All().Select(entry => entry.Name), await directory.NamesAsync());
        Assert.Equal([": 000001", ": 002000", ": zz"], directory.Changes.Said); // each in its part
        Assert.True((await directory.PagesAsync())[^1].ListingVersion > version);
        Assert.Equal(2, (await directory.LookupAsync("002000")).Entry!.Metadata.Version.LengthBytes);
        Assert.Equal(ReadStatus.NotFound, (await directory.LookupAsync("000001")).Status);
        Assert.Equal(0, directory.Storage.Stats);
    });

    [Fact]
    public async Task A_page_is_never_empty_with_a_next_one_also_where_everything_was_removed() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(Filled(5000, pageSize: 100), "interval(10s)");
        await directory.NamesAsync();
        for (var i = 100; i < 4900; i++)
        {
            directory.Storage.Remove($"{i:D6}");
        }

        directory.Time.Advance(Interval);
        Assert.Equal(200, (await directory.NamesAsync()).Count); // PagesAsync looks at each page
        for (var i = 0; i < 5000; i++)
        {
            directory.Storage.Remove($"{i:D6}");
        }

        directory.Time.Advance(Interval);
        Assert.Empty(await directory.NamesAsync());
    });

    [Fact]
    public async Task Keys_without_a_path_are_named_on_the_last_page_and_no_part_begins_behind_one() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(Filled(3500), "interval(10s)");
        directory.Storage.Unreachable = (2, new string('k', 1000));
        var pages = await directory.PagesAsync();
        Assert.All(pages.SkipLast(1), page => Assert.Empty(page.Unreachable));
        Assert.Equal($"{new string('k', 200)}...", pages[^1].Unreachable.Single());

        // Names may come between the last entry and the key: whoever goes on has to see them.
        directory.Time.Advance(TimeSpan.FromSeconds(61));
        directory.Storage.Begun.Clear();
        Assert.Equal(ReadStatus.Ok, (await directory.Book.ListAsync("002500", default)).Status);
        Assert.Equal("001999", directory.Storage.Begun.First());
    });

    [Fact]
    public async Task With_always_each_first_page_lists_again_and_later_pages_do_not() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(Filled(950), "always");
        Assert.Equal(950, (await directory.NamesAsync()).Count);
        Assert.Equal(1, directory.Storage.Pages);
        directory.Storage.Put("0");
        Assert.Equal("0", (await directory.NamesAsync())[0]);
        Assert.Equal(2, directory.Storage.Pages);
        Assert.All(await directory.PagesAsync(), page => Assert.Equal(TimeSpan.Zero, page.Lease));
    });

    [Fact]
    public async Task Trouble_is_a_status_and_the_next_call_asks_again() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(Filled(2500), "interval(10s)");
        directory.Storage.FailPagesWith = ReadStatus.Unavailable;
        Assert.Equal(ReadStatus.Unavailable, (await directory.Book.ListAsync(null, default)).Status);
        directory.Storage.FailPagesWith = ReadStatus.Ok;
        Assert.Equal(2500, (await directory.NamesAsync()).Count);

        // Down: what is known is served for as long as it was promised, then there is an error, then it heals.
        (directory.Storage.FailPagesWith, directory.Storage.FailStatsWith) = (ReadStatus.Unavailable, ReadStatus.Unavailable);
        directory.Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(2500, (await directory.NamesAsync()).Count);
        Assert.Equal(ReadStatus.Ok, (await directory.LookupAsync("000001")).Status);
        directory.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(ReadStatus.Unavailable, (await directory.Book.ListAsync(null, default)).Status);
        Assert.Equal(ReadStatus.Unavailable, (await directory.LookupAsync("000001")).Status);
        (directory.Storage.FailPagesWith, directory.Storage.FailStatsWith) = (ReadStatus.Ok, ReadStatus.Ok);
        Assert.Equal(2500, (await directory.NamesAsync()).Count);
    });

    [Fact]
    public async Task A_listing_without_order_that_was_cut_is_not_believed() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(Filled(2500, isOrdered: false), "interval(10s)", null, "*");
        Assert.Equal(2500, (await directory.NamesAsync()).Count);
        Assert.Equal(3, directory.Storage.Pages);
        directory.Storage.Remove("000001");
        directory.Time.Advance(Interval);
        directory.Storage.Hold = (5, Task.Delay(Timeout.Infinite));
        var waiting = directory.Book.ListAsync(null, default).AsTask();
        while (directory.Storage.Pages < 5)
        {
            await Task.Yield(); // its first part is written
        }

        directory.Restart();
        directory.Storage.Hold = null;
        Assert.Equal(ReadStatus.Unavailable, (await waiting).Status);
        Assert.Equal(ReadStatus.Ok, (await directory.LookupAsync("002000")).Status);
        Assert.Equal(1, directory.Storage.Stats); // immutable and in the store, but of a listing that never ended
        Assert.Equal(2499, (await directory.NamesAsync()).Count);
        Assert.Equal(ReadStatus.NotFound, (await directory.LookupAsync("000001")).Status);
        Assert.Equal((8, 1), (directory.Storage.Pages, directory.Storage.Stats));
    });

    [Fact]
    public async Task A_listing_store_that_fails_fails_listings_only_and_heals() => await Turn.RunAsync(async () =>
    {
        var listings = new MemoryListingStore { FailWith = "disk full" };
        var directory = new ListedDirectory(Filled(10), "interval(10s)", listings);
        Assert.Equal(ReadStatus.Unavailable, (await directory.Book.ListAsync(null, default)).Status);
        Assert.Equal(ReadStatus.Ok, (await directory.LookupAsync("000001")).Status);
        listings.FailWith = null;
        Assert.Equal(10, (await directory.NamesAsync()).Count);
        await listings.DropAsync(directory.Storage.Source, default); // forgotten under the directory's feet
        Assert.Equal(10, (await directory.NamesAsync()).Count);
    });

    internal static OrderedStorage Filled(int count, int pageSize = 1000, bool isOrdered = true)
    {
        var storage = new OrderedStorage { PageSize = pageSize, ListsInOrder = isOrdered };
        for (var i = 0; i < count; i++)
        {
            storage.Put($"{i:D6}");
        }

        return storage;
    }
}
