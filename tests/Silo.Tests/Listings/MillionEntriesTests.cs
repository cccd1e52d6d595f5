using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Files;
using OrleansCache.Grains.Tests;
using OrleansCache.Silo.Listings;
using OrleansCache.UnderStorage;
using Xunit.Abstractions;

namespace OrleansCache.Silo.Tests.Listings;

/// <summary>A directory of a million entries, through the grain's book into the real listing store.</summary>
public sealed class MillionEntriesTests(ITestOutputHelper output) : IDisposable
{
    private const int Count = 1_000_000;
    private const long MaxGrowthBytes = 96L << 20; // a million entries in memory are some 400 MB
    private readonly string _directory = Directory.CreateTempSubdirectory("ocache-million-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_million_entries_are_listed_in_bounded_memory_and_not_again_after_a_restart() => await Turn.RunAsync(async () =>
    {
        using var store = new SqliteListingStore(
            Path.Combine(_directory, "listings.db"), Count * 2, TimeProvider.System, NullLogger<SqliteListingStore>.Instance);
        var storage = new OrderedStorage { Generate = Generate };
        var directory = new ListedDirectory(storage, "interval(1h)", store);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var peak = before;
        var clock = Stopwatch.StartNew();

        // Too many lookups make it list on; pages of the beginning come long before.
        var storm = Task.WhenAll(Enumerable.Range(0, 20).Select(i => directory.Book.LookupAsync($"zz{i}", default).AsTask()));
        await ReadAsync(directory, 0, 20_000);
        var firstRead = clock.Elapsed;
        while (!storm.IsCompleted)
        {
            await Task.WhenAny(storm, Task.Delay(200));
            peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: true));
        }

        Assert.All(await storm, found => Assert.Equal(ReadStatus.NotFound, found.Status));
        await ReadAsync(directory, (Count / 2) - 7, 20_000);
        await ReadAsync(directory, Count - 20_000, 20_000);
        peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: true));
        output.WriteLine($"20,000 names read in {firstRead.TotalSeconds:F1} s, {Count} listed in "
            + $"{clock.Elapsed.TotalSeconds:F1} s, {storage.Pages} + {storage.Stats} requests, {(peak - before) >> 20} MiB more at most, "
            + $"file {new FileInfo(Path.Combine(_directory, "listings.db")).Length >> 20} MiB");
        Assert.InRange(storage.Pages, Count / storage.PageSize, (Count / storage.PageSize) + 2);
        Assert.InRange(storage.Stats, 1, 20);
        Assert.InRange(peak - before, long.MinValue, MaxGrowthBytes);

        var (pages, stats) = (storage.Pages, storage.Stats);
        directory.Restart();
        Assert.Equal(NameOf(0), (await directory.Book.ListAsync(null, default)).Entries[0].Name);
        Assert.Equal(ReadStatus.Ok, (await directory.LookupAsync(NameOf(Count / 2))).Status);
        Assert.Equal(ReadStatus.NotFound, (await directory.LookupAsync("nowhere")).Status);
        Assert.Equal((pages, stats), (storage.Pages, storage.Stats));
    }, TimeSpan.FromMinutes(3));

    /// <summary>Reads names from one on, page by page, and looks at each.</summary>
    private static async Task ReadAsync(ListedDirectory directory, int first, int count)
    {
        var after = first == 0 ? null : NameOf(first - 1);
        for (var next = first; next < first + count;)
        {
            var page = await directory.Book.ListAsync(after, default);
            Assert.Equal(ReadStatus.Ok, page.Status);
            foreach (var entry in page.Entries)
            {
                Assert.Equal(NameOf(next++), entry.Name);
            }

            Assert.Equal(next == Count, page.IsLast);
            after = page.Next;
        }
    }

    private static string NameOf(int number) => $"image-{number:D7}.jpeg";

    private static List<UnderStorageEntry> Generate(string? after, int count)
    {
        var first = string.IsNullOrEmpty(after) ? 0 : int.Parse(after.AsSpan(6, 7), System.Globalization.CultureInfo.InvariantCulture) + 1;
        return [.. Enumerable.Range(first, Math.Min(count, Count - first)).Select(number => OrderedStorage.Entry(NameOf(number)))];
    }
}
