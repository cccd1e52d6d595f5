using System.Diagnostics;

namespace OrleansCache.Bench.Data;

/// <summary>Loops of random aligned reads, one request in flight each, until the time is over.</summary>
internal static class ReadLoops
{
    /// <summary>Blocking readers, a thread each. MiB per second of all together.</summary>
    internal static double Run(IReadOnlyList<BlockingRead> readers, int requestBytes, long fileBytes, TimeSpan duration)
    {
        long bytes = 0;
        var clock = Stopwatch.StartNew();
        var threads = readers.Select((read, index) => new Thread(() =>
        {
            var (buffer, random, mine) = (new byte[requestBytes], new Random(index), 0L);
            while (clock.Elapsed < duration)
            {
                read(random.NextInt64(fileBytes / requestBytes) * requestBytes, buffer);
                mine += requestBytes;
            }

            Interlocked.Add(ref bytes, mine);
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        return bytes / clock.Elapsed.TotalSeconds / (1 << 20);
    }

    /// <summary>Asynchronous readers, a task each. MiB per second of all together.</summary>
    internal static async Task<double> RunAsync(IReadOnlyList<AsyncRead> readers, int requestBytes, long fileBytes, TimeSpan duration)
    {
        var clock = Stopwatch.StartNew();
        var bytes = await Task.WhenAll(readers.Select((read, index) => Task.Run(() => LoopAsync(read, index)))).ConfigureAwait(false);
        return bytes.Sum() / clock.Elapsed.TotalSeconds / (1 << 20);

        async Task<long> LoopAsync(AsyncRead read, int index)
        {
            var (buffer, random, mine) = (new byte[requestBytes], new Random(index), 0L);
            while (clock.Elapsed < duration)
            {
                await read(random.NextInt64(fileBytes / requestBytes) * requestBytes, buffer).ConfigureAwait(false);
                mine += requestBytes;
            }

            return mine;
        }
    }
}

/// <summary>Reads a range, or throws.</summary>
internal delegate void BlockingRead(long offsetBytes, Span<byte> destination);

/// <summary>Reads a range, or throws.</summary>
internal delegate ValueTask AsyncRead(long offsetBytes, Memory<byte> destination);
