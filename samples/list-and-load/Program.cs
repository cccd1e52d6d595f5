// Lists a directory, then has the silos cache everything below it and tells how far they are.
//     OCACHE_CLUSTER=127.0.0.1:30000 dotnet run --project samples/list-and-load /data/train
using OrleansCache;
using OrleansCache.Files;

if (args is not [var path])
{
    Console.Error.WriteLine("usage: list-and-load DIRECTORY");
    return 2;
}

try
{
    var cluster = Environment.GetEnvironmentVariable("OCACHE_CLUSTER") ?? "127.0.0.1:30000";
    await using var client = await CacheClient.ConnectAsync(new CacheClientOptions { Cluster = cluster });

    // Entries come page by page: a directory of a million files is never in memory at once.
    await foreach (var entry in client.ListAsync(path))
    {
        Console.WriteLine($"{entry.LengthBytes,12:N0}  {entry.Modified:u}  {entry.Name}{(entry.Kind == FileKind.Directory ? "/" : "")}");
    }

    // The bytes go from the under storage to the silos' disks; none of them pass through this process.
    var progress = new LatestProgress();
    var loading = client.LoadAsync(path, progress);
    while (await Task.WhenAny(loading, Task.Delay(TimeSpan.FromSeconds(1))) != loading)
    {
        Console.WriteLine($"{progress.Latest.FilesDone:N0} of {progress.Latest.FilesFound:N0} files so far");
    }

    var result = await loading;
    Console.WriteLine(
        $"{result.Path}: {result.Progress.FilesDone:N0} files, {result.Progress.BytesDone:N0} bytes cached, "
        + $"{result.Progress.BytesFetched:N0} of them fetched now, in {result.Elapsed.TotalSeconds:0.0} s");
    foreach (var failure in result.Failures)
    {
        Console.Error.WriteLine($"{failure.Message}; {failure.Advice}");
    }

    return result.Progress.FilesFailed == 0 ? 0 : 1;
}
catch (CacheClientException error)
{
    Console.Error.WriteLine($"{error.Message}; {error.Advice}");
    return 1;
}

/// <summary>Keeps the last report: reports come often, and from several threads.</summary>
internal sealed class LatestProgress : IProgress<LoadProgress>
{
    public LoadProgress Latest { get; private set; } = new();

    public void Report(LoadProgress value) => Latest = value;
}
