using System.Diagnostics;
using OrleansCache.BlockStore;
using OrleansCache.Files;
using OrleansCache.LocalCluster;

namespace OrleansCache.Bench.Store;

/// <summary>
/// The block store beside plain files on the same disk (native) and the null store: filling blocks, and reading pinned
/// ranges in 1 MiB, 128 KiB and 4 KiB requests. State H: cache files in the page cache; B: kernel caches dropped.
/// </summary>
internal static class StoreBench
{
    private const int FillsAtOnce = 8;

    private static readonly FileKey File = new(1, 2);
    private static readonly byte[] Piece = MakePiece();

    internal static async Task<IReadOnlyList<BenchResult>> RunAsync(int rounds, bool quick, CancellationToken cancellationToken)
    {
        var lengthBytes = quick ? 64L << 20 : 1L << 30;
        using var scratch = new ScratchFolder();
        var native = Path.Combine(scratch.Path, "native");
        await using var store = await OpenAsync(scratch.Folder("tier"), lengthBytes * 4, cancellationToken).ConfigureAwait(false);
        await FillAsync(store, File, lengthBytes, cancellationToken).ConfigureAwait(false);
        var fills = await RunFillsAsync(store, native, lengthBytes, rounds, cancellationToken).ConfigureAwait(false);
        var cacheFile = Directory.EnumerateFiles(scratch.Folder("tier"), File.ToString(), SearchOption.AllDirectories).Single();
        return [.. fills, .. await RunReadsAsync(store, native, cacheFile, lengthBytes, rounds, cancellationToken).ConfigureAwait(false)];
    }

    /// <summary>
    /// Fills have rounds of their own, after one that does not count: memory that a virtual machine has not touched before, or has
    /// given back, costs whoever writes to it first two thirds of the speed, fio as well.
    /// </summary>
    private static async Task<IReadOnlyList<BenchResult>> RunFillsAsync(
        IBlockStore store, string native, long lengthBytes, int rounds, CancellationToken cancellationToken)
    {
        const string Workload = "fill, synced at the end";
        var cases = new List<BenchCase>
        {
            new(Workload, "native", "C", "MiB/s", _ => Task.FromResult(WriteNative(native, lengthBytes))),
            new(Workload, "block store", "C", "MiB/s", token => RefillAsync(store, lengthBytes, token)),
        };
        if (Fio.IsThere)
        {
            cases.Add(new(Workload, "fio", "C", "MiB/s", token => WriteWithFioAsync(native, lengthBytes, token)));
        }

        await InterleavedRounds.RunAsync(cases, 1, cancellationToken).ConfigureAwait(false);
        return await InterleavedRounds.RunAsync(cases, rounds, cancellationToken).ConfigureAwait(false);
    }

    private static Task<IReadOnlyList<BenchResult>> RunReadsAsync(
        IBlockStore store, string native, string cacheFile, long lengthBytes, int rounds, CancellationToken cancellationToken)
    {
        var cases = new List<BenchCase>();
        foreach (var (workload, requestBytes, random) in ((string, int, bool)[])
            [("sequential 1 MiB", 1 << 20, false), ("random 128 KiB", 128 << 10, true), ("random 4 KiB", 4 << 10, true)])
        {
            foreach (var state in (string[])["H", "B"])
            {
                cases.Add(new(workload, "native", state, "MiB/s", _ => Task.FromResult(
                    Prepared(state, () => ReadNative(native, lengthBytes, requestBytes, random)))));
                cases.Add(new(workload, "block store", state, "MiB/s", _ => Task.FromResult(
                    Prepared(state, () => ReadPinned(store, lengthBytes, requestBytes, random)))));
                if (Fio.IsThere)
                {
                    cases.Add(new(workload, "fio", state, "MiB/s", token =>
                        ReadWithFioAsync(cacheFile, state, lengthBytes, requestBytes, random, advised: false, token)));
                }

                if (Fio.IsThere && random && state == "B")
                {
                    cases.Add(new(workload, "fio, advised", state, "MiB/s", token =>
                        ReadWithFioAsync(cacheFile, state, lengthBytes, requestBytes, random, advised: true, token)));
                }
            }
        }

        return InterleavedRounds.RunAsync(cases, rounds, cancellationToken);
    }

    private static Task<IBlockStore> OpenAsync(string folder, long capacityBytes, CancellationToken cancellationToken) =>
        DiskBlockStore.OpenAsync(
            new BlockStoreOptions { Directory = folder, CapacityBytes = capacityBytes },
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, cancellationToken);

    private static double Prepared(string state, Func<double> run)
    {
        if (state == "B")
        {
            PageCache.TryDrop();
        }
        else
        {
            run(); // Brings the pages in.
        }

        return run();
    }

    private static async Task<double> RefillAsync(IBlockStore store, long lengthBytes, CancellationToken cancellationToken)
    {
        var key = new FileKey(3, 4);
        await store.DropAsync(key, cancellationToken).ConfigureAwait(false);
        while (store.GetStats().UsedBytes > lengthBytes + (lengthBytes / 2))
        {
            await Task.Delay(10, cancellationToken).ConfigureAwait(false); // Until the dropped file is gone from the disk.
        }

        var clock = Stopwatch.StartNew();
        await FillAsync(store, key, lengthBytes, cancellationToken).ConfigureAwait(false);
        await store.SyncAsync(cancellationToken).ConfigureAwait(false);
        return lengthBytes / (1024.0 * 1024.0) / clock.Elapsed.TotalSeconds;
    }

    /// <summary>Blocks in order, several at once, as they come out of an under storage.</summary>
    private static Task FillAsync(IBlockStore store, FileKey key, long lengthBytes, CancellationToken cancellationToken) =>
        Parallel.ForAsync(
            0, BlockLayout.Default.CountFor(lengthBytes),
            new ParallelOptions { MaxDegreeOfParallelism = FillsAtOnce, CancellationToken = cancellationToken },
            (index, token) => FillBlockAsync(store, key, lengthBytes, index, token));

    private static async ValueTask FillBlockAsync(IBlockStore store, FileKey key, long lengthBytes, int index, CancellationToken cancellationToken)
    {
        var layout = BlockLayout.Default;
        var attempt = await store.BeginFillAsync(new FillRequest(key, lengthBytes, layout, new SourceId(9), index), cancellationToken)
            .ConfigureAwait(false);
        using var fill = attempt.Fill ?? throw new InvalidOperationException($"the store refused a block: {attempt.Status}");
        for (var offset = 0; offset < layout.LengthOf(index, lengthBytes); offset += Piece.Length)
        {
            fill.Write(offset, Piece);
        }

        if (!await fill.CompleteAsync(cancellationToken).ConfigureAwait(false))
        {
            throw new InvalidOperationException("the store did not keep a block");
        }
    }

    private static byte[] MakePiece()
    {
        var piece = new byte[1 << 20];
        new Random(1).NextBytes(piece);
        return piece;
    }

    private static double WriteNative(string path, long lengthBytes)
    {
        System.IO.File.Delete(path);
        var clock = Stopwatch.StartNew();
        using var file = System.IO.File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write);
        for (long offset = 0; offset < lengthBytes; offset += Piece.Length)
        {
            RandomAccess.Write(file, Piece, offset);
        }

        RandomAccess.FlushToDisk(file);
        return lengthBytes / (1024.0 * 1024.0) / clock.Elapsed.TotalSeconds;
    }

    private static double ReadNative(string path, long lengthBytes, int requestBytes, bool random)
    {
        using var file = System.IO.File.OpenHandle(path);
        var buffer = GC.AllocateUninitializedArray<byte>(requestBytes, pinned: true);
        return Read(lengthBytes, requestBytes, random, offset => RandomAccess.Read(file, buffer, offset));
    }

    /// <summary>
    /// The store's own cache file, with the calls the store uses. <paramref name="advised"/>: fio also says POSIX_FADV_RANDOM, which
    /// the store cannot say: its files are read in order as well, and the advice holds for all readers of a descriptor.
    /// </summary>
    private static Task<double> ReadWithFioAsync(
        string path, string state, long lengthBytes, int requestBytes, bool random, bool advised, CancellationToken cancellationToken)
    {
        if (state == "B")
        {
            PageCache.TryDrop();
        }
        else
        {
            IoLoops.ReadOnce(path, lengthBytes);
        }

        var bytes = Math.Min(lengthBytes, 20_000L * requestBytes);
        return Fio.RunAsync(
            path, random ? "randread" : "read", requestBytes, cancellationToken, "--ioengine=psync",
            Fio.Number("--size", lengthBytes), Fio.Number("--io_size", bytes), "--norandommap", Fio.Number("--fadvise_hint", advised ? 1 : 0));
    }

    private static Task<double> WriteWithFioAsync(string path, long lengthBytes, CancellationToken cancellationToken)
    {
        System.IO.File.Delete(path);
        return Fio.RunAsync(
            path, "write", 1 << 20, cancellationToken, "--ioengine=psync", Fio.Number("--size", lengthBytes), "--end_fsync=1", "--fallocate=none");
    }

    private static double ReadPinned(IBlockStore store, long lengthBytes, int requestBytes, bool random)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(requestBytes, pinned: true);
        return Read(lengthBytes, requestBytes, random, offset =>
        {
            if (store.TryPin(File, offset, requestBytes, out var pin) != PinStatus.Pinned)
            {
                throw new InvalidOperationException("a filled range is not resident");
            }

            using (pin)
            {
                return RandomAccess.Read(pin.Handle, buffer, pin.FileOffsetBytes);
            }
        });
    }

    private static double Read(long lengthBytes, int requestBytes, bool random, Func<long, int> readAt)
    {
        var order = new Random(7);
        var requests = (int)Math.Min(lengthBytes / requestBytes, 20_000);
        long bytes = 0;
        var clock = Stopwatch.StartNew();
        for (var request = 0; request < requests; request++)
        {
            var at = random ? order.NextInt64(lengthBytes / requestBytes) : request;
            bytes += readAt(at * requestBytes);
        }

        return bytes / (1024.0 * 1024.0) / clock.Elapsed.TotalSeconds;
    }
}
