using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Client.Tests.Fakes;
using OrleansCache.Files;
using OrleansCache.Reading;

namespace OrleansCache.Client.Tests.Reading;

public sealed class DirectoryPrefetchTests
{
    private const int KiB = 1024;

    private readonly ManualTime _time = new();
    private readonly ReadaheadBudget _budget = new(1L << 30);

    [Fact]
    public async Task Four_cold_reads_in_order_fetch_what_follows_and_each_file_once()
    {
        var files = new ManyFiles(300, 100 * KiB);
        await using var prefetch = Make(files);
        Read(prefetch, files, 10, 11, 12);
        Assert.Equal(0, prefetch.Runs);
        Read(prefetch, files, 13);
        await UntilAsync(() => files.Ensured.Count == 300 - 14);
        Assert.Equal(Enumerable.Range(14, 286), files.Ensured.Select(files.IndexOf).Order());
        Assert.Equal(files.Ensured.Select(files.IndexOf).Order(), files.Prefetched.Select(files.IndexOf).Order());
        Assert.Equal(286L * 100 * KiB, _budget.UsedBytes);
    }

    [Fact]
    public async Task Reads_in_no_order_fetch_the_directory_from_its_start()
    {
        var files = new ManyFiles(900, KiB);
        await using var prefetch = Make(files);
        Read(prefetch, files, 700, 20, 433, 88);
        await UntilAsync(() => files.Ensured.Count == 900);
        Assert.True(files.IndexOf(files.Ensured.First()) < 16);
    }

    [Fact]
    public async Task What_is_on_its_way_and_what_is_ahead_is_bounded_and_opens_make_room()
    {
        var files = new ManyFiles(500, 1024 * KiB);
        var hold = new TaskCompletionSource();
        files.Hold = hold.Task;
        await using var prefetch = Make(files);
        Read(prefetch, files, 0, 1, 2, 3);
        await UntilAsync(() => files.Ensured.Count == 16);
        hold.SetResult();
        await UntilAsync(() => files.Ensured.Count == 64); // 64 MiB ahead
        await Task.Delay(TimeSpan.FromMilliseconds(100));
        Assert.Equal((64, 64L << 20), (files.Ensured.Count, _budget.UsedBytes));
        Assert.Equal(16, files.MostInFlight);
        for (var i = 4; i < 34; i++)
        {
            prefetch.OnOpened(files.Files[i]);
        }

        await UntilAsync(() => files.Ensured.Count == 94);
        Assert.Equal(64L << 20, _budget.UsedBytes);
    }

    [Fact]
    public async Task A_run_ends_when_nobody_opens_there_and_the_budget_has_all_back()
    {
        var files = new ManyFiles(500, 1024 * KiB);
        await using var prefetch = Make(files);
        Read(prefetch, files, 0, 1, 2, 3);
        await UntilAsync(() => files.Ensured.Count == 64);
        prefetch.OnOpened(files.Files[4]);
        _time.Advance(TimeSpan.FromSeconds(6));
        await UntilAsync(() => prefetch.Runs == 0);
        Assert.Equal(0, _budget.UsedBytes);
        Assert.InRange(_budget.UnreadBytes, 1, _budget.AskedBytes - 1);
    }

    [Fact]
    public async Task Files_that_are_cached_already_end_it_soon()
    {
        var files = new ManyFiles(5000, KiB);
        files.FillAll();
        await using var prefetch = Make(files);
        Read(prefetch, files, 0, 1, 2, 3);
        await UntilAsync(() => files.Ensured.Count >= 32);
        await OverAsync(prefetch);
        Assert.InRange(files.Ensured.Count, 32, 32 + 16);
    }

    [Theory]
    [InlineData(ReadStatus.StaleVersion)]
    [InlineData(ReadStatus.Unavailable)]
    [InlineData(ReadStatus.AccessDenied)]
    public async Task A_file_that_cannot_be_fetched_ends_it(ReadStatus status)
    {
        var files = new ManyFiles(5000, KiB);
        files.Answer = key => files.IndexOf(key) == 50 ? status : ReadStatus.Ok;
        await using var prefetch = Make(files);
        Read(prefetch, files, 0, 1, 2, 3);
        await UntilAsync(() => files.Ensured.Count >= 40);
        await OverAsync(prefetch);
        Assert.InRange(files.Ensured.Count, 40, 80);
    }

    [Fact]
    public async Task A_nearly_full_tier_gets_nothing_nobody_asked_for()
    {
        var files = new ManyFiles(100, KiB) { Status = """{"tiers":[{"used_bytes":960,"capacity_bytes":1000}]}""" };
        await using var prefetch = Make(files);
        Read(prefetch, files, 0, 1, 2, 3);
        await OverAsync(prefetch);
        Assert.Empty(files.Ensured);
        files.Status = """{"tiers":[{"used_bytes":940,"capacity_bytes":1000}]}""";
        Read(prefetch, files, 4, 5, 6, 7);
        await UntilAsync(() => files.Ensured.Count == 92);
    }

    [Fact]
    public async Task No_more_than_five_thousand_files_a_run()
    {
        var files = new ManyFiles(6000, KiB, pageSize: 1000);
        await using var prefetch = Make(files);
        Read(prefetch, files, 0, 1, 2, 3);
        await UntilAsync(() => files.Ensured.Count == 5000);
        _time.Advance(TimeSpan.FromSeconds(6)); // It waits for its files to be opened.
        await OverAsync(prefetch);
        Assert.Equal(5000, files.Ensured.Count);
    }

    [Fact]
    public async Task Without_a_leased_listing_or_switched_off_nothing_is_asked()
    {
        var files = new ManyFiles(100, KiB) { IsLeased = false };
        await using (var prefetch = Make(files))
        {
            Read(prefetch, files, 0, 1, 2, 3);
            await OverAsync(prefetch);
        }

        files.IsLeased = true;
        await using var off = Make(files, new DirectoryPrefetchOptions { IsOn = false });
        Read(off, files, 0, 1, 2, 3);
        Assert.Equal(0, off.Runs);
        Assert.Empty(files.Ensured);
    }

    [Fact]
    public async Task Slow_or_large_or_repeated_reads_begin_nothing()
    {
        var files = new ManyFiles(100, KiB);
        await using var prefetch = Make(files);
        for (var i = 0; i < 10; i++)
        {
            Read(prefetch, files, i);
            _time.Advance(TimeSpan.FromSeconds(2));
        }

        _time.Advance(TimeSpan.FromSeconds(10));
        Read(prefetch, files, 1, 1, 1, 1, 1, 1);
        var large = new ManyFiles(100, 2 << 20);
        Read(prefetch, large, 0, 1, 2, 3, 4);
        Assert.Equal(0, prefetch.Runs);
    }

    [Fact]
    public async Task Closing_the_client_ends_it_whatever_it_waits_for()
    {
        var files = new ManyFiles(1000, 1024 * KiB) { Hold = new TaskCompletionSource().Task };
        var prefetch = Make(files);
        Read(prefetch, files, 0, 1, 2, 3);
        await UntilAsync(() => files.Ensured.Count == 16);
        await prefetch.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal((0, 0), (prefetch.Runs, _budget.UsedBytes));
    }

    private DirectoryPrefetch Make(ManyFiles files, DirectoryPrefetchOptions? options = null) =>
        new(files, files, _budget, options ?? new DirectoryPrefetchOptions(), _time, NullLogger.Instance);

    private static void Read(DirectoryPrefetch prefetch, ManyFiles files, params int[] indexes) =>
        Array.ForEach(indexes, index => prefetch.OnColdRead(files.Files[index]));

    private static Task UntilAsync(Func<bool> condition) => Eventually.TrueAsync(condition, TimeSpan.FromSeconds(30));

    /// <summary>Until no run goes on, by itself.</summary>
    private static Task OverAsync(DirectoryPrefetch prefetch) => UntilAsync(() => prefetch.Runs == 0);
}
