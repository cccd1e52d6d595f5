using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;

namespace OrleansCache.Demo;

/// <summary>What one pass over the dataset gave.</summary>
/// <param name="Hashes">SHA-256 of every file, or the reason it could not be read.</param>
/// <param name="Bytes">Bytes read.</param>
/// <param name="Elapsed">Wall time.</param>
internal sealed record Pass(IReadOnlyDictionary<string, string> Hashes, long Bytes, TimeSpan Elapsed)
{
    /// <summary>MiB per second.</summary>
    public double MiBPerSecond => Bytes / (1024.0 * 1024.0) / Elapsed.TotalSeconds;
}

/// <summary>Reads and hashes every file of a dataset with several readers.</summary>
internal static class Reading
{
    private const int BufferBytes = 1 << 20;

    /// <summary>One pass over the files below <paramref name="root"/>; a reader is a thread, as in a data loader.</summary>
    public static Pass Run(Dataset dataset, string root, int readers, Action<long> progress, CancellationToken cancellationToken)
    {
        var hashes = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
        var next = -1;
        var bytes = 0L;
        var clock = Stopwatch.StartNew();
        var threads = Enumerable.Range(0, readers).Select(_ => new Thread(Read)).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        clock.Stop();
        cancellationToken.ThrowIfCancellationRequested();
        return new Pass(hashes, bytes, clock.Elapsed);

        void Read()
        {
            var buffer = new byte[BufferBytes];
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            int index;
            while (!cancellationToken.IsCancellationRequested && (index = Interlocked.Increment(ref next)) < dataset.Files.Count)
            {
                var file = dataset.Files[index];
                hashes[file] = Hash(Path.Combine(root, file), buffer, hash, Count);
            }
        }

        void Count(int count) => progress(Interlocked.Add(ref bytes, count));
    }

    private static string Hash(string path, byte[] buffer, IncrementalHash hash, Action<int> count)
    {
        try
        {
            using var file = File.OpenHandle(path, options: FileOptions.SequentialScan);
            long offset = 0;
            int read;
            while ((read = RandomAccess.Read(file, buffer, offset)) > 0)
            {
                hash.AppendData(buffer, 0, read);
                offset += read;
                count(read);
            }

            return Convert.ToHexString(hash.GetHashAndReset());
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            hash.GetHashAndReset();
            return $"unreadable: {failure.Message}";
        }
    }
}
