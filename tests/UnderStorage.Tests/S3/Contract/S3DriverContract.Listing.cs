using System.Text;
using OrleansCache.Files;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>Listings over several pages.</summary>
public abstract partial class S3DriverContract
{
    private const int Many = 2500;

    [Fact]
    public async Task A_directory_of_2500_objects_comes_in_order_and_in_pages_and_goes_on_after_each_in_another_process()
    {
        await using var source = await BucketSource.CreateAsync(store);
        var names = Enumerable.Range(0, Many).Select(i => $"file-{i:D5}").ToList();
        await source.PutAllAsync(names.Select(name => $"d/{name}"), Encoding.UTF8.GetBytes);
        var (entries, _, batches) = await source.ListAsync("d");
        Assert.Equal(names, entries.Select(entry => entry.Name));
        Assert.InRange(batches, 3, 6);
        Assert.Equal(entries, await ListWithNewSourcesAsync(source, "d"));
    }

    [Fact]
    public async Task Objects_and_prefixes_that_meet_at_the_edges_of_pages_are_each_listed_once()
    {
        // 700 objects, 350 of them empty, each with a prefix of its name and a key between the two.
        await using var source = await BucketSource.CreateAsync(store);
        var names = Enumerable.Range(0, 700).Select(i => $"n{i:D4}").ToList();
        await source.PutAllAsync(
            names.SelectMany(name => (string[])[name, $"{name}-", $"{name}/x"]),
            key => key.Length == 5 && (key[^1] - '0') % 2 == 0 ? [] : [1]);
        var (entries, _, batches) = await source.ListAsync(string.Empty);
        var expected = names.SelectMany(name => (name[^1] - '0') % 2 == 0
            ? (string[])[$"{name}-", $"{name}", $"{name}%object"]
            : [name, $"{name}-", $"{name}%prefix"]);
        Assert.Equal(expected, entries.Select(entry => entry.Name));
        Assert.InRange(batches, 3, 6); // a real server's pages are sometimes short
        Assert.Equal(entries, await ListWithNewSourcesAsync(source, string.Empty));
    }

    [Fact]
    public async Task A_page_that_ends_in_a_prefix_of_many_keys_goes_on_behind_it()
    {
        await using var source = await BucketSource.CreateAsync(store);
        var before = Enumerable.Range(0, 999).Select(i => $"a{i:D3}");
        await source.PutAllAsync(
            before.Append("b-after").Append("b0").Concat(Enumerable.Range(0, 1200).Select(i => $"b/{i:D4}")), _ => [1]);
        var (entries, _, _) = await source.ListAsync(string.Empty);
        Assert.Equal(1002, entries.Count);
        Assert.Equal(["b-after", "b", "b0"], entries.Select(entry => entry.Name).TakeLast(3));
        Assert.Equal(entries, await ListWithNewSourcesAsync(source, string.Empty));
        Assert.Equal(1200, (await source.ListAsync("b")).Entries.Count);
    }

    [Fact]
    public async Task A_listing_under_way_bears_changes_and_goes_on_after_keys_that_are_gone()
    {
        await using var source = await BucketSource.CreateAsync(store);
        var staying = Enumerable.Range(0, 1600).Where(i => i % 2 == 0).Select(i => $"k{i:D4}").ToList();
        var going = Enumerable.Range(0, 1600).Where(i => i % 2 == 1).Select(i => $"k{i:D4}/x").ToList();
        await source.PutAllAsync(staying.Concat(going), _ => [1]);
        var seen = new List<UnderStorageEntry>();
        var first = await TakeAsync(null);
        Assert.NotNull(first.ResumeAt);
        await Parallel.ForEachAsync(
            going, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (key, _) => await source.DeleteAsync(key));
        await source.PutAsync("a-before", "1");
        await source.PutAsync("z-after", "1");
        for (var batch = first; !batch.IsLast;)
        {
            batch = await TakeAsync(batch.ResumeAt);
        }

        Assert.Equal(staying, seen.Where(entry => entry.Metadata.Kind == FileKind.File).Select(entry => entry.Name).Where(staying.Contains));
        Assert.Contains("z-after", seen.Select(entry => entry.Name));
        Assert.DoesNotContain("a-before", seen.Select(entry => entry.Name));
        Assert.True(seen.Count(entry => entry.Metadata.Kind == FileKind.Directory) < going.Count, "listed what is gone");

        async Task<ListBatch> TakeAsync(string? resumeAt)
        {
            await using var listing = source.Storage.List(string.Empty, resumeAt);
            var batch = await listing.NextAsync(source.Deadline);
            Assert.Equal(ReadStatus.Ok, batch.Status);
            seen.AddRange(batch.Entries);
            return batch;
        }
    }

    private static async Task<List<UnderStorageEntry>> ListWithNewSourcesAsync(BucketSource source, string path)
    {
        var (entries, resumeAt) = (new List<UnderStorageEntry>(), (string?)null);
        while (true)
        {
            await using var storage = await source.OpenAgainAsync();
            await using var listing = storage.List(path, resumeAt);
            var batch = await listing.NextAsync(source.Deadline);
            Assert.Equal(ReadStatus.Ok, batch.Status);
            entries.AddRange(batch.Entries);
            if (batch.IsLast)
            {
                return entries;
            }

            resumeAt = batch.ResumeAt;
        }
    }
}
