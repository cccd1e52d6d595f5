using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.BlockStore;
using OrleansCache.Files;
using OrleansCache.LocalCluster;

namespace OrleansCache.Bench.Store;

/// <summary>
/// Many small files in one block store: how fast they come in, are found and are read, what memory each takes, and how long a
/// restart takes. State C: filled, each acknowledged when its record is on the device; H: all in the page cache. One round: it takes
/// minutes and, at 10 million, 2 GB of disk.
/// </summary>
internal static class SmallEntriesBench
{
    private const int EntryBytes = 200;
    private const int FillersAtOnce = 4096; // As many share a journal commit.
    private const int Looks = 1_000_000;
    private const string Workload = "small entries";

    /// <summary>What was inserted by then counts.</summary>
    private static readonly TimeSpan InsertLimit = TimeSpan.FromMinutes(5);

    internal static async Task<IReadOnlyList<BenchResult>> RunAsync(int entries, CancellationToken cancellationToken)
    {
        using var scratch = new ScratchFolder();
        var folder = scratch.Folder("tier");
        var capacityBytes = Math.Max(64L << 20, entries * (EntryBytes + 16L) * 2); // Nothing is evicted.
        var before = Memory();
        var clock = Stopwatch.StartNew();
        var store = await OpenAsync(folder, capacityBytes, cancellationToken).ConfigureAwait(false);
        var inserted = await InsertAsync(store, entries, cancellationToken).ConfigureAwait(false);
        var results = new List<BenchResult>
        {
            Result($"{inserted} inserted", "C", "entries/s", inserted / clock.Elapsed.TotalSeconds),
        };
        results.Add(Result("memory", "C", "bytes/entry", (double)(Memory() - before) / inserted));
        results.Add(Result("of it the index", "C", "bytes/entry", (double)store.GetStats().PackedIndexBytes / inserted));
        results.Add(Result("looked up (pinned)", "H", "entries/s", Look(store, inserted, read: false)));
        results.Add(Result("read", "H", "entries/s", Look(store, inserted, read: true)));

        var killed = scratch.Folder("killed");
        await CopyAsAfterKillAsync(folder, killed, cancellationToken).ConfigureAwait(false);
        clock.Restart();
        await store.DisposeAsync().ConfigureAwait(false);
        results.Add(Result("closed (checkpoint)", "H", "s", clock.Elapsed.TotalSeconds));
        results.Add(Result("opened", "H", "s", await ReopenAsync(folder, capacityBytes, inserted, cancellationToken).ConfigureAwait(false)));
        results.Add(Result(
            "opened after a kill", "H", "s", await ReopenAsync(killed, capacityBytes, inserted, cancellationToken).ConfigureAwait(false)));
        return results;
    }

    /// <summary>How long it takes to open; fails if an entry is not there or has other bytes.</summary>
    private static async Task<double> ReopenAsync(string folder, long capacityBytes, int inserted, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        await using var store = await OpenAsync(folder, capacityBytes, cancellationToken).ConfigureAwait(false);
        var opened = clock.Elapsed.TotalSeconds;
        if (store.GetStats().PackedObjects != inserted)
        {
            throw new InvalidOperationException($"{inserted} entries were inserted, {store.GetStats().PackedObjects} are there after a restart");
        }

        Look(store, inserted, read: true);
        return opened;
    }

    /// <summary>What a kill -9 would leave now; the packed bytes, which nobody writes any more, are linked.</summary>
    private static async Task CopyAsAfterKillAsync(string from, string to, CancellationToken cancellationToken)
    {
        const string Copy = "cp -a $(ls -d \"$1\"/* | grep -v /packed$) \"$2\" && cp -al \"$1\"/packed \"$2\"";
        (await Command.RunAsync("sh", ["-c", Copy, "copy", from, to], cancellationToken: cancellationToken).ConfigureAwait(false))
            .Checked("copying the tier");
    }

    private static Task<IBlockStore> OpenAsync(string folder, long capacityBytes, CancellationToken cancellationToken) =>
        DiskBlockStore.OpenAsync(
            new BlockStoreOptions { Directory = folder, CapacityBytes = capacityBytes }, NullLogger.Instance, cancellationToken);

    /// <summary>What the process has in memory.</summary>
    private static long Memory()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true); // Gives free memory back, too.
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private static async Task<int> InsertAsync(IBlockStore store, int entries, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var (next, inserted) = (-1, 0);
        await Task.WhenAll(Enumerable.Range(0, Math.Min(FillersAtOnce, entries)).Select(_ => Task.Run(FillManyAsync, cancellationToken)))
            .ConfigureAwait(false);
        return inserted;

        async Task FillManyAsync()
        {
            var bytes = new byte[EntryBytes];
            while (clock.Elapsed < InsertLimit && Interlocked.Increment(ref next) is var entry && entry < entries)
            {
                var request = new FillRequest(
                    KeyOf(entry), EntryBytes, new BlockLayout(BlockLayout.MinBlockSizeBytes), new SourceId(1), BlockIndex: 0);
                var attempt = await store.BeginFillAsync(request, cancellationToken).ConfigureAwait(false);
                using var fill = attempt.Fill ?? throw new InvalidOperationException($"the store refuses entry {entry}: {attempt.Status}");
                BitConverter.TryWriteBytes(bytes, entry);
                if (!fill.Write(0, bytes) || !await fill.CompleteAsync(cancellationToken).ConfigureAwait(false))
                {
                    throw new InvalidOperationException($"the store could not keep entry {entry}");
                }

                Interlocked.Increment(ref inserted);
            }
        }
    }

    /// <summary>Random entries on one thread; how many a second.</summary>
    private static double Look(IBlockStore store, int inserted, bool read)
    {
        var random = new Random(1);
        var bytes = new byte[EntryBytes];
        var clock = Stopwatch.StartNew();
        for (var look = 0; look < Looks; look++)
        {
            var entry = random.Next(inserted);
            if (store.TryPin(KeyOf(entry), 0, EntryBytes, out var pin) != PinStatus.Pinned)
            {
                throw new InvalidOperationException($"entry {entry} is not there");
            }

            using (pin)
            {
                if (read && (RandomAccess.Read(pin.Handle, bytes, pin.FileOffsetBytes) != EntryBytes || BitConverter.ToInt32(bytes) != entry))
                {
                    throw new InvalidOperationException($"entry {entry} has other bytes");
                }
            }
        }

        return Looks / clock.Elapsed.TotalSeconds;
    }

    /// <summary>Keys are hashes.</summary>
    private static FileKey KeyOf(int entry) =>
        new(((ulong)entry + 1) * 0x9E37_79B9_7F4A_7C15, ((ulong)entry + 1) * 0xD6E8_FEB8_6659_FD93);

    private static BenchResult Result(string variant, string state, string unit, double value) => new()
    {
        Workload = Workload,
        Variant = variant,
        State = state,
        Unit = unit,
        Median = value,
        Min = value,
        Max = value,
        Ratios = new Dictionary<string, double>(),
    };
}
