using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Linux;

namespace OrleansCache.Bench.Store;

/// <summary>How the bytes of a fill get to the disk.</summary>
internal enum FillKind
{
    Buffered,
    EarlyWriteback,
    BoundedWriteback,
    DontCache,
    Direct,
}

/// <summary>What many reads in a loop gave.</summary>
/// <param name="MibPerSecond">All threads together.</param>
/// <param name="ReadsPerSecond">All threads together.</param>
/// <param name="SlowestMs">99 % of the reads took less.</param>
internal readonly record struct ReadFigures(double MibPerSecond, double ReadsPerSecond, double SlowestMs);

/// <summary>Reads and fills side by side.</summary>
internal readonly record struct MixedFigures(double ReadsPerSecond, double SlowestMs, double FillMibPerSecond);

/// <summary>The loops that are timed.</summary>
internal static unsafe class IoLoops
{
    private const int PieceBytes = 1 << 20, WindowBytes = 8 << 20, Alignment = 4096;

    internal static ReadFigures Read(
        string path, long lengthBytes, int requestBytes, int threads, OpenFlags flags, int readFlags, TimeSpan duration)
    {
        using var file = FileOpening.Open(path, flags);
        var times = new List<double>[threads];
        var clock = Stopwatch.StartNew();
        Each(threads, thread => times[thread] = ReadLoop(file, lengthBytes, requestBytes, readFlags, thread, () => clock.Elapsed < duration));
        var seconds = clock.Elapsed.TotalSeconds;
        var all = times.SelectMany(one => one).Order().ToList();
        return new(all.Count * (double)requestBytes / PieceBytes / seconds, all.Count / seconds, all[(int)(all.Count * 0.99)]);
    }

    internal static void ReadOnce(string path, long lengthBytes)
    {
        using var file = FileOpening.Open(path, OpenFlags.ReadOnly);
        var buffer = NativeMemory.AlignedAlloc(PieceBytes, Alignment);
        for (long at = 0; at < lengthBytes; at += PieceBytes)
        {
            NativeIo.Read(file, (byte*)buffer, PieceBytes, at, 0);
        }

        NativeMemory.AlignedFree(buffer);
    }

    /// <summary>A new file, synced; MiB per second.</summary>
    internal static double Fill(string path, long lengthBytes, FillKind kind)
    {
        File.Delete(path);
        var clock = Stopwatch.StartNew();
        using (var file = FileOpening.Open(path, Flags(kind)))
        {
            WriteLoop(file, lengthBytes, kind, () => true);
            RandomAccess.FlushToDisk(file);
        }

        return lengthBytes / (double)PieceBytes / clock.Elapsed.TotalSeconds;
    }

    /// <summary>Two readers of a cold file while so many fills write files of their own, which are synced at the end.</summary>
    internal static MixedFigures ReadBesideFills(string path, string folder, long lengthBytes, TimeSpan duration, FillKind kind, int writers)
    {
        long written = 0;
        double seconds = 0;
        var stop = Stopwatch.StartNew();
        var fills = Task.Factory.StartNew(
            () =>
            {
                Each(writers, writer =>
                {
                    var own = Path.Combine(folder, FormattableString.Invariant($"fill{writer}"));
                    File.Delete(own);
                    using var file = FileOpening.Open(own, Flags(kind));
                    Interlocked.Add(ref written, WriteLoop(file, lengthBytes, kind, () => stop.Elapsed < duration));
                    RandomAccess.FlushToDisk(file);
                });
                seconds = stop.Elapsed.TotalSeconds;
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var reads = Read(path, lengthBytes, Alignment, threads: 2, OpenFlags.ReadOnly, 0, duration);
        fills.Wait();
        return new(reads.ReadsPerSecond, reads.SlowestMs, written / (double)PieceBytes / seconds);
    }

    private static OpenFlags Flags(FillKind kind) =>
        OpenFlags.ReadWrite | OpenFlags.Create | (kind == FillKind.Direct ? NativeIo.Direct : 0);

    private static List<double> ReadLoop(
        SafeFileHandle file, long lengthBytes, int requestBytes, int readFlags, int seed, Func<bool> goesOn)
    {
        var random = new Random(seed);
        var times = new List<double>(1 << 16);
        var buffer = NativeMemory.AlignedAlloc((nuint)requestBytes, Alignment);
        while (goesOn())
        {
            var began = Stopwatch.GetTimestamp();
            NativeIo.Read(file, (byte*)buffer, requestBytes, random.NextInt64(lengthBytes / requestBytes) * requestBytes, readFlags);
            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        NativeMemory.AlignedFree(buffer);
        return times;
    }

    private static long WriteLoop(SafeFileHandle file, long lengthBytes, FillKind kind, Func<bool> goesOn)
    {
        var buffer = NativeMemory.AlignedAlloc(PieceBytes, Alignment);
        new Random(1).NextBytes(new Span<byte>(buffer, PieceBytes));
        long at = 0;
        for (; at < lengthBytes && goesOn(); at += PieceBytes)
        {
            NativeIo.Write(file, (byte*)buffer, PieceBytes, at, kind == FillKind.DontCache ? NativeIo.DontCache : 0);
            if (kind is FillKind.EarlyWriteback or FillKind.BoundedWriteback)
            {
                NativeIo.Begin(file, at, PieceBytes);
            }

            if (kind == FillKind.BoundedWriteback && at >= WindowBytes)
            {
                NativeIo.Await(file, at - WindowBytes, PieceBytes);
            }
        }

        NativeMemory.AlignedFree(buffer);
        return at;
    }

    private static void Each(int count, Action<int> run)
    {
        var threads = Enumerable.Range(0, count).Select(i => new Thread(() => run(i))).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
    }
}
