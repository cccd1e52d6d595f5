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
        var next = 0;
        string? after = null;
        do
        {
            var page = await directory.Book.ListAsync(after, default);
            Assert.Equal(ReadStatus.Ok, page.Status);
            foreach (var entry in page.Entries)
            {
                if (entry.Name != NameOf(next++))
                {
                    Assert.Fail($"{entry.Name} came where {NameOf(next - 1)} should");
                }
            }

            after = page.Next;
            if (next % 100_000 < page.Entries.Length)
            {
                peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: true));
            }
        }
        while (after is not null);

        output.WriteLine($"{next} entries in {clock.Elapsed.TotalSeconds:F1} s, {storage.Pages} requests, "
            + $"{(peak - before) >> 20} MiB more at most, file {new FileInfo(Path.Combine(_directory, "listings.db")).Length >> 20} MiB");
        Assert.Equal(Count, next);
        Assert.Equal((Count / storage.PageSize) + 1, storage.Pages);
        Assert.InRange(peak - before, long.MinValue, MaxGrowthBytes);

        directory.Restart();
        Assert.Equal(NameOf(0), (await directory.Book.ListAsync(null, default)).Entries[0].Name);
        Assert.Equal(ReadStatus.Ok, (await directory.LookupAsync(NameOf(Count / 2))).Status);
        Assert.Equal(ReadStatus.NotFound, (await directory.LookupAsync("nowhere")).Status);
        Assert.Equal(((Count / storage.PageSize) + 1, 0), (storage.Pages, storage.Stats));
    }, TimeSpan.FromMinutes(3));

    private static string NameOf(int number) => $"image-{number:D7}.jpeg";

    private static List<UnderStorageEntry> Generate(string? after, int count)
    {
        var first = string.IsNullOrEmpty(after) ? 0 : int.Parse(after.AsSpan(6, 7), System.Globalization.CultureInfo.InvariantCulture) + 1;
        return [.. Enumerable.Range(first, Math.Min(count, Count - first)).Select(number => OrderedStorage.Entry(NameOf(number)))];
    }
}
