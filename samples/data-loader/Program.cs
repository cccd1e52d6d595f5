// Reads every file of a tree in a new random order each epoch, as training does, with several workers; prints MB/s.
// The first epoch fills the cache, the later ones read from it.
//     OCACHE_CLUSTER=127.0.0.1:30000 dotnet run -c Release --project samples/data-loader /data/train 3 8
using System.Diagnostics;
using OrleansCache;
using OrleansCache.Files;

if (args is not [var root, .. var numbers])
{
    Console.Error.WriteLine("usage: data-loader DIRECTORY [EPOCHS [WORKERS]]");
    return 2;
}

var epochs = numbers.Length > 0 ? int.Parse(numbers[0]) : 3;
var workers = numbers.Length > 1 ? int.Parse(numbers[1]) : 8;
try
{
    // One client for the whole process: it is thread-safe, and its connections and metadata serve all workers.
    var cluster = Environment.GetEnvironmentVariable("OCACHE_CLUSTER") ?? "127.0.0.1:30000";
    await using var client = await CacheClient.ConnectAsync(new CacheClientOptions { Cluster = cluster });
    var files = new List<CacheEntry>();
    await FindFilesAsync(client, root, files);

    for (var epoch = 1; epoch <= epochs; epoch++)
    {
        var order = files.ToArray();
        new Random(epoch).Shuffle(order);
        var started = Stopwatch.GetTimestamp();
        // Each worker reads every n-th file of the order.
        var shares = Enumerable.Range(0, workers).Select(worker => order.Where((_, i) => i % workers == worker));
        var bytes = (await Task.WhenAll(shares.Select(share => ReadAsync(client, share)))).Sum();
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        Console.WriteLine($"epoch {epoch}: {order.Length} files, {bytes} bytes, {bytes / seconds / 1e6:0.0} MB/s");
    }

    return 0;
}
catch (CacheClientException error)
{
    Console.Error.WriteLine($"{error.Message}; {error.Advice}");
    return 1;
}

static async Task FindFilesAsync(CacheClient client, string directory, List<CacheEntry> files)
{
    await foreach (var entry in client.ListAsync(directory))
    {
        if (entry.Kind == FileKind.Directory)
        {
            await FindFilesAsync(client, entry.Path, files);
        }
        else if (entry.Kind == FileKind.File)
        {
            files.Add(entry);
        }
    }
}

static async Task<long> ReadAsync(CacheClient client, IEnumerable<CacheEntry> files)
{
    var bytes = 0L;

    // In the order asked, read ahead in batches: much faster than opening and reading one small file after the other.
    await foreach (var result in client.ReadManyAsync(files.Select(file => file.Path)))
    {
        using (result)
        {
            bytes += result.Memory.Length; // A training step would decode it. Throws result.Error when there is one.
        }
    }

    return bytes;
}
