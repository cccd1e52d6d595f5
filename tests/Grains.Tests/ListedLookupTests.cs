using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.Grains.Tests;

/// <summary>Lookups in a directory that can be listed in order: how many requests, and how fresh.</summary>
public sealed class ListedLookupTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_storm_of_lookups_becomes_a_listing_with_a_bounded_number_of_requests() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(StreamedListingTests.Filled(9500), "interval(10s)");
        var bound = 16 + (17 * 10);
        var random = new Random(5);
        var names = Enumerable.Range(0, 12_000).Select(i => $"{i:D6}").ToArray(); // 2,500 of them are not there
        random.Shuffle(names);
        foreach (var part in names.Chunk(500))
        {
            var answers = await Task.WhenAll(part.Select(directory.LookupAsync));
            Assert.All(part.Zip(answers), one => Assert.Equal(
                string.CompareOrdinal(one.First, "009500") < 0 ? ReadStatus.Ok : ReadStatus.NotFound, one.Second.Status));
        }

        Assert.InRange(directory.Storage.Requests, 10, bound);
        var first = directory.Storage.Requests;
        await Task.WhenAll(names.Take(2000).Select(directory.LookupAsync));
        Assert.Equal(first, directory.Storage.Requests);

        // The same again when everything is due.
        directory.Time.Advance(Interval);
        await Task.WhenAll(names.Select(directory.LookupAsync));
        Assert.InRange(directory.Storage.Requests, first + 10, first + bound);
    });

    [Fact]
    public async Task A_few_lookups_list_nothing() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(StreamedListingTests.Filled(100), "interval(10s)");
        for (var i = 0; i < 16; i++)
        {
            Assert.Equal(ReadStatus.Ok, (await directory.LookupAsync($"{i:D6}")).Status);
        }

        Assert.Equal((0, 16), (directory.Storage.Pages, directory.Storage.Stats));
        await directory.LookupAsync("000050");
        Assert.Equal((1, 16), (directory.Storage.Pages, directory.Storage.Stats));
    });

    [Fact]
    public async Task Where_listing_is_refused_each_name_is_asked_for() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(StreamedListingTests.Filled(100), "interval(10s)");
        directory.Storage.FailPagesWith = ReadStatus.AccessDenied;
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal(ReadStatus.Ok, (await directory.LookupAsync($"{i:D6}")).Status);
        }

        Assert.Equal((1, 50), (directory.Storage.Pages, directory.Storage.Stats));
    });

    [Fact]
    public async Task A_running_listing_answers_for_what_it_has_passed() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(StreamedListingTests.Filled(5000), "interval(10s)");
        directory.Storage.Put("0000%", position: "000050x");
        directory.Storage.Hold = (3, Task.Delay(Timeout.Infinite));
        Assert.Equal(ReadStatus.Ok, (await directory.Book.ListAsync("001500", default)).Status);
        Assert.Equal(ReadStatus.Ok, (await directory.LookupAsync("000500")).Status);
        Assert.Equal(ReadStatus.NotFound, (await directory.LookupAsync("000500x")).Status);
        Assert.Equal(ReadStatus.Ok, (await directory.LookupAsync("0000%")).Status);
        Assert.Equal(0, directory.Storage.Stats);
        Assert.Equal(ReadStatus.Ok, (await directory.LookupAsync("004000")).Status);
        Assert.Equal(ReadStatus.NotFound, (await directory.LookupAsync("0000%x")).Status); // could stand anywhere
        Assert.Equal(2, directory.Storage.Stats);
        directory.Book.Close();
    });

    [Fact]
    public async Task A_lookup_that_finds_a_difference_corrects_the_listing_and_tells() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(StreamedListingTests.Filled(3), "interval(10s)", null, "never-*");
        await directory.NamesAsync();
        directory.Storage.Put("000001", version: 2);
        directory.Time.Advance(Interval);
        Assert.Equal(2, (await directory.LookupAsync("000001")).Entry!.Metadata.Version.LengthBytes);
        Assert.Equal([": 000001"], directory.Changes.Said);
        Assert.Equal(1, directory.Storage.Pages);
        Assert.Equal(2, (await directory.Book.ListAsync(null, default)).Entries[1].Metadata.Version.LengthBytes);
    });

    [Fact]
    public async Task With_always_each_lookup_is_one_question() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(StreamedListingTests.Filled(100), "always");
        await directory.NamesAsync();
        for (var i = 1; i <= 40; i++)
        {
            directory.Storage.Put("000001", version: i);
            var found = await directory.LookupAsync("000001");
            Assert.Equal((i, TimeSpan.Zero), (found.Entry!.Metadata.Version.LengthBytes, found.Lease));
            Assert.Equal((1, i), (directory.Storage.Pages, directory.Storage.Stats));
        }
    });

    [Fact]
    public async Task A_slow_answer_of_before_a_listing_takes_no_name_from_it() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(StreamedListingTests.Filled(3), "never");
        var gate = new TaskCompletionSource();
        directory.Storage.HoldStats = gate.Task;
        var slow = directory.LookupAsync("later");
        while (directory.Storage.Stats == 0)
        {
            await Task.Yield();
        }

        await Task.Yield();
        directory.Storage.Put("later");
        Assert.Contains("later", await directory.NamesAsync());
        gate.SetResult();
        Assert.Equal(ReadStatus.NotFound, (await slow).Status);
        Assert.Contains("later", await directory.NamesAsync());
        Assert.Equal(1, directory.Storage.Pages);
    });

    [Fact]
    public async Task With_always_a_directory_that_is_only_a_path_is_remembered_for_a_while() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(new OrderedStorage(), "always");
        directory.Storage.Put("d", kind: FileKind.Directory);
        directory.Storage.Put("f");
        for (var seconds = 0; seconds < 10; seconds++)
        {
            Assert.Equal((ReadStatus.Ok, DirectoryLease.Default - TimeSpan.FromSeconds(seconds)), await StatusOf(directory, "d"));
            Assert.Equal((ReadStatus.Ok, TimeSpan.Zero), await StatusOf(directory, "f"));
            Assert.Equal((ReadStatus.NotFound, TimeSpan.Zero), await StatusOf(directory, "none"));
            Assert.Equal(1 + (2 * (seconds + 1)), directory.Storage.Stats);
            directory.Time.Advance(TimeSpan.FromSeconds(1));
        }

        directory.Storage.Remove("d/");
        Assert.Equal((ReadStatus.NotFound, TimeSpan.Zero), await StatusOf(directory, "d"));
        directory.Storage.Put("d", kind: FileKind.Directory);
        await directory.LookupAsync("d");
        directory.Storage.Remove("d/");
        await SyncAsync(directory);
        Assert.Equal((ReadStatus.NotFound, TimeSpan.Zero), await StatusOf(directory, "d"));
    });

    [Fact]
    public async Task Missing_names_are_asked_for_again_also_with_never() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(StreamedListingTests.Filled(1), "never");
        Assert.Equal((ReadStatus.NotFound, DirectoryLease.Default), await StatusOf(directory, "late"));
        directory.Time.Advance(TimeSpan.FromSeconds(55));
        Assert.Equal((ReadStatus.NotFound, TimeSpan.FromSeconds(5)), await StatusOf(directory, "late"));
        Assert.Equal(1, directory.Storage.Stats);
        directory.Storage.Put("late");
        directory.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(ReadStatus.Ok, (await StatusOf(directory, "late")).Status);

        // What is there is never asked for again, nor what a whole listing did not have.
        await directory.NamesAsync();
        directory.Storage.Put("later");
        directory.Time.Advance(TimeSpan.FromDays(9));
        Assert.Equal((ReadStatus.NotFound, DirectoryLease.Default), await StatusOf(directory, "later"));
        Assert.Equal((ReadStatus.Ok, DirectoryLease.Default), await StatusOf(directory, "late"));
        Assert.Equal(3, directory.Storage.Requests);
    });

    [Fact]
    public async Task Immutable_files_are_asked_for_once_under_any_rule() => await Turn.RunAsync(async () =>
    {
        foreach (var rule in (string[])["always", "interval(1s)"])
        {
            var directory = new ListedDirectory(StreamedListingTests.Filled(3), rule, null, "*2", "*.tar");
            Assert.Equal((ReadStatus.NotFound, rule == "always" ? TimeSpan.Zero : TimeSpan.FromSeconds(1)), await StatusOf(directory, "a.tar"));
            directory.Time.Advance(TimeSpan.FromSeconds(1));
            directory.Storage.Put("a.tar");
            await directory.LookupAsync("a.tar");
            await directory.NamesAsync();
            var requests = directory.Storage.Requests;
            directory.Time.Advance(TimeSpan.FromDays(1));
            directory.Storage.FailStatsWith = ReadStatus.Unavailable;
            Assert.Equal((ReadStatus.Ok, DirectoryLease.Default), await StatusOf(directory, "a.tar"));
            Assert.Equal((ReadStatus.Ok, DirectoryLease.Default), await StatusOf(directory, "000002")); // seen in a listing
            directory.Restart();
            Assert.Equal((ReadStatus.Ok, DirectoryLease.Default), await StatusOf(directory, "000002"));
            Assert.Equal(requests, directory.Storage.Requests);
            Assert.Equal(ReadStatus.Unavailable, (await StatusOf(directory, "000001")).Status);
        }
    });

    [Fact]
    public async Task After_a_sync_nothing_known_before_counts() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(StreamedListingTests.Filled(3), "never", null, "*2");
        await directory.NamesAsync();
        directory.Storage.Put("000001", version: 2);
        directory.Storage.Put("000002", version: 2);
        Assert.Equal(1, (await directory.LookupAsync("000002")).Entry!.Metadata.Version.LengthBytes);
        await SyncAsync(directory);
        Assert.Equal(2, (await directory.LookupAsync("000002")).Entry!.Metadata.Version.LengthBytes);
        Assert.Equal(2, (await directory.LookupAsync("000001")).Entry!.Metadata.Version.LengthBytes);
        Assert.Equal((1, 2), (directory.Storage.Pages, directory.Storage.Stats));
        Assert.Equal(2, (await directory.Book.ListAsync(null, default)).Entries[1].Metadata.Version.LengthBytes);
        Assert.Equal(2, directory.Storage.Pages);

        // Also after a restart; and what came after the sync still counts then.
        directory.Time.Advance(TimeSpan.FromSeconds(1));
        await directory.Listings.RaiseFloorAsync(directory.Storage.Source, "", directory.Time.GetUtcNow(), default);
        directory.Restart();
        await directory.NamesAsync();
        Assert.Equal(3, directory.Storage.Pages);
        directory.Time.Advance(TimeSpan.FromSeconds(1));
        await SyncAsync(directory);
        directory.Time.Advance(TimeSpan.FromSeconds(1));
        await directory.NamesAsync();
        directory.Restart();
        await directory.NamesAsync();
        Assert.Equal(4, directory.Storage.Pages);
    });

    [Fact]
    public async Task A_listing_under_way_at_a_sync_does_not_count() => await Turn.RunAsync(async () =>
    {
        var directory = new ListedDirectory(StreamedListingTests.Filled(10), "never");
        var gate = new TaskCompletionSource();
        directory.Storage.Hold = (1, gate.Task);
        var before = directory.Book.ListAsync(null, default).AsTask();
        while (directory.Storage.Pages == 0)
        {
            await Task.Yield();
        }

        await SyncAsync(directory);
        var after = directory.Book.ListAsync(null, default).AsTask();
        gate.SetResult();
        await Task.WhenAll(before, after);
        Assert.Equal(2, directory.Storage.Pages);
    });

    [Fact]
    public async Task A_page_asked_for_ahead_is_as_old_as_its_question() => await Turn.RunAsync(async () =>
    {
        var storage = new OrderedStorage { AsksAhead = true };
        for (var i = 0; i < 2500; i++)
        {
            storage.Put($"{i:D6}");
        }

        var listings = new MemoryListingStore();
        var directory = new ListedDirectory(storage, "never", listings);
        var gate = new TaskCompletionSource();
        listings.HoldWrites = gate.Task;
        var listed = directory.Book.ListAsync(null, default).AsTask();
        while (storage.Pages == 0)
        {
            await Task.Yield();
        }

        await Task.Delay(50); // the first part waits to be written, the second was asked for with it
        storage.Put("001500", version: 2);
        await SyncAsync(directory);
        gate.SetResult();
        await listed;
        while (storage.Pages < 3)
        {
            await Task.Yield();
        }

        Assert.Equal(2, (await directory.LookupAsync("001500")).Entry!.Metadata.Version.LengthBytes);
    });

    private static async Task SyncAsync(ListedDirectory directory)
    {
        await directory.Listings.RaiseFloorAsync(directory.Storage.Source, "", directory.Time.GetUtcNow(), default);
        directory.Floors.Raise(directory.Storage.Source, "", isStored: true);
    }

    private static async Task<(ReadStatus Status, TimeSpan Lease)> StatusOf(ListedDirectory directory, string name)
    {
        var found = await directory.LookupAsync(name);
        return (found.Status, found.Lease);
    }
}
