using OrleansCache.Files;
using OrleansCache.UnderStorage.S3;

namespace OrleansCache.UnderStorage.Tests.S3;

/// <summary>Lists through <see cref="S3Listing"/> as a caller would.</summary>
internal static class TreeWalk
{
    public static readonly SourceId Source = SourceId.FromUri("s3://bucket/");
    public static readonly S3Presentation Presentation = new(1, 2, 0x124, 0x16D);

    /// <summary>Everything of a directory, with a listing of its own for each batch when asked so.</summary>
    public static async Task<(ReadStatus Status, List<UnderStorageEntry> Entries, List<string> Unreachable)> ListAsync(
        IS3Pages pages, string prefix, string directory, Func<bool> resumesInAnotherProcess)
    {
        var (entries, unreachable) = (new List<UnderStorageEntry>(), new List<string>());
        var listing = new S3Listing(pages, Source, Presentation, prefix, directory, null);
        try
        {
            while (true)
            {
                var batch = await listing.NextAsync(CancellationToken.None);
                entries.AddRange(batch.Entries);
                unreachable.AddRange(batch.Unreachable);
                if (batch.IsLast)
                {
                    return (batch.Status, entries, unreachable);
                }

                if (batch.ResumeAt is not null && resumesInAnotherProcess())
                {
                    await listing.DisposeAsync();
                    listing = new S3Listing(pages, Source, Presentation, prefix, directory, batch.ResumeAt);
                }
            }
        }
        finally
        {
            await listing.DisposeAsync();
        }
    }

    /// <summary>All of the tree: directories with their entries, and what cannot be reached.</summary>
    public static async Task<(List<(string Directory, List<UnderStorageEntry> Entries)> Directories, List<string> Unreachable)> WalkAsync(
        IS3Pages pages, string prefix, Func<bool> resumesInAnotherProcess)
    {
        var (directories, unreachable) = (new List<(string Directory, List<UnderStorageEntry> Entries)>(), new List<string>());
        var todo = new Queue<string>([string.Empty]);
        while (todo.TryDequeue(out var directory))
        {
            var (status, entries, hidden) = await ListAsync(pages, prefix, directory, resumesInAnotherProcess);
            Assert.Equal(ReadStatus.Ok, status);
            directories.Add((directory, entries));
            unreachable.AddRange(hidden);
            foreach (var entry in entries.Where(entry => entry.Metadata.Kind == FileKind.Directory))
            {
                todo.Enqueue(PathOf(directory, entry.Name));
            }
        }

        return (directories, unreachable);
    }

    public static string PathOf(string directory, string name) => directory.Length == 0 ? name : $"{directory}/{name}";
}
