using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using OrleansCache.LocalCluster;

namespace OrleansCache.Bench.Data;

/// <summary>
/// 10,000 objects of 100 KiB from a real silo over TCP: <c>ReadManyAsync</c> against a loop that opens and reads one at a time. State
/// H: all cached, in the page cache. Names known: listed before, every few seconds for the slow one, because that is how long their leases
/// live; not known: a new client each time.
/// </summary>
internal static class ReadManyBench
{
    private const int ObjectBytes = 100 << 10;

    internal static async Task<IReadOnlyList<BenchResult>> RunAsync(int rounds, bool quick, CancellationToken cancellationToken)
    {
        var count = quick ? 500 : 10_000;
        using var scratch = new ScratchFolder();
        var source = scratch.Folder("source");
        MakeObjects(source, count);
        await using var silo = await LocalSilo.StartAsync(scratch.Path, cancellationToken: cancellationToken).ConfigureAwait(false);
        await silo.AttachAsync(source, "/many", ["sync=never"], cancellationToken).ConfigureAwait(false);

        // Without the socket's file the client takes TCP, as it would from another host.
        File.Delete(Path.Combine(silo.DataFolder, "run", "data.sock"));
        string[] paths = [.. Enumerable.Range(0, count).Select(index => string.Create(CultureInfo.InvariantCulture, $"/many/{index:D5}"))];
        await using var known = await ConnectAsync(silo, cancellationToken).ConfigureAwait(false);
        await known.LoadAsync("/many", cancellationToken: cancellationToken).ConfigureAwait(false);
        await ManyAsync(known, paths, cancellationToken).ConfigureAwait(false);
        await OneByOneAsync(known, paths[..(count / 10)], cancellationToken).ConfigureAwait(false);

        var workload = string.Create(CultureInfo.InvariantCulture, $"{count:N0} x 100 KiB over TCP");
        return await InterleavedRounds.RunAsync(
            [
                Case("names known", "ReadManyAsync", token => KnownAsync(ManyAsync, count, token)),
                Case("names known", "one by one", token => KnownAsync(OneByOneAsync, count / 10, token)),
                Case("names not known", "ReadManyAsync", token => UnknownAsync(ManyAsync, token)),
                Case("names not known", "one by one", token => UnknownAsync(OneByOneAsync, token)),
            ],
            rounds, cancellationToken).ConfigureAwait(false);

        BenchCase Case(string names, string variant, Func<CancellationToken, Task<double>> run) =>
            new($"{workload}, {names}", variant, "H", "MiB/s", run);

        async Task<double> KnownAsync(Func<CacheClient, string[], CancellationToken, Task> read, int atOnce, CancellationToken token)
        {
            var seconds = 0.0;
            foreach (var some in paths.Chunk(atOnce))
            {
                await foreach (var _ in known.ListAsync("/many", token).ConfigureAwait(false))
                {
                }

                seconds += await TimeAsync(() => read(known, some, token)).ConfigureAwait(false);
            }

            return Rate(count, seconds);
        }

        async Task<double> UnknownAsync(Func<CacheClient, string[], CancellationToken, Task> read, CancellationToken token)
        {
            await using var client = await ConnectAsync(silo, token).ConfigureAwait(false);
            return Rate(count, await TimeAsync(() => read(client, paths, token)).ConfigureAwait(false));
        }
    }

    private static Task<CacheClient> ConnectAsync(LocalSilo silo, CancellationToken cancellationToken) =>
        CacheClient.ConnectAsync(new CacheClientOptions { Cluster = silo.Cluster }, cancellationToken);

    private static async Task<double> TimeAsync(Func<Task> read)
    {
        var start = Stopwatch.GetTimestamp();
        await read().ConfigureAwait(false);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Rate(int count, double seconds) => (double)count * ObjectBytes / (1 << 20) / seconds;

    private static async Task ManyAsync(CacheClient client, string[] paths, CancellationToken cancellationToken)
    {
        var at = 0;
        await foreach (var result in client.ReadManyAsync(paths, cancellationToken).ConfigureAwait(false))
        {
            using (result)
            {
                Check(paths[at++], result.Memory.Span);
            }
        }
    }

    private static async Task OneByOneAsync(CacheClient client, string[] paths, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(ObjectBytes);
        foreach (var path in paths)
        {
            await using var file = await client.OpenReadAsync(path, cancellationToken).ConfigureAwait(false);
            var read = await file.ReadAsync(0, buffer.AsMemory(0, ObjectBytes), cancellationToken).ConfigureAwait(false);
            Check(path, buffer.AsSpan(0, read));
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    // An object begins and ends with its number: a mixed-up one would make the figures worthless.
    private static void Check(string path, ReadOnlySpan<byte> bytes)
    {
        var number = int.Parse(path.AsSpan(path.LastIndexOf('/') + 1), CultureInfo.InvariantCulture);
        if (bytes.Length != ObjectBytes || BitConverter.ToInt32(bytes) != number || BitConverter.ToInt32(bytes[^4..]) != number)
        {
            throw new InvalidDataException($"{path} has wrong bytes");
        }
    }

    private static void MakeObjects(string folder, int count)
    {
        var content = new byte[ObjectBytes];
        new Random(1).NextBytes(content);
        for (var index = 0; index < count; index++)
        {
            BitConverter.TryWriteBytes(content, index);
            BitConverter.TryWriteBytes(content.AsSpan(ObjectBytes - 4), index);
            File.WriteAllBytes(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{index:D5}")), content);
        }
    }
}
