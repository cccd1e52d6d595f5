using System.Runtime.InteropServices;

namespace OrleansCache.BlockStore;

/// <summary>The store's counters. The hot ones are spread over cells, so that readers on different cores do not share a line.</summary>
internal sealed class StoreCounters
{
    private const int Cells = 16; // Power of two.

    private readonly HotCell[] _hot = new HotCell[Cells];
    private long _openFiles;
    private long _fillsCompleted;
    private long _fillsAborted;
    private long _fillsRefused;
    private long _leases;
    private long _evicted;
    private long _corrupt;
    private long _verified;
    private long _unlinkedOpenBytes;

    public long OpenFiles => Volatile.Read(ref _openFiles);

    public long UnlinkedOpenBytes => Volatile.Read(ref _unlinkedOpenBytes);

    public void PinHit(int bytes)
    {
        ref var cell = ref _hot[Environment.CurrentManagedThreadId & (Cells - 1)];
        Interlocked.Increment(ref cell.Hits);
        Interlocked.Add(ref cell.Bytes, bytes);
    }

    public void PinMiss() => Interlocked.Increment(ref _hot[Environment.CurrentManagedThreadId & (Cells - 1)].Misses);

    public void FileOpened() => Interlocked.Increment(ref _openFiles);

    public void FileClosed() => Interlocked.Decrement(ref _openFiles);

    public void FillCompleted() => Interlocked.Increment(ref _fillsCompleted);

    public void FillAborted() => Interlocked.Increment(ref _fillsAborted);

    public void FillRefused() => Interlocked.Increment(ref _fillsRefused);

    public void Leased() => Interlocked.Increment(ref _leases);

    public void Evicted(int blocks) => Interlocked.Add(ref _evicted, blocks);

    public void Corrupt(int blocks) => Interlocked.Add(ref _corrupt, blocks);

    public void Verified() => Interlocked.Increment(ref _verified);

    public void UnlinkedOpen(long bytes) => Interlocked.Add(ref _unlinkedOpenBytes, bytes);

    /// <summary>The counters; the gauges are the store's to fill in.</summary>
    public BlockStoreStats ToStats()
    {
        long hits = 0, misses = 0, bytes = 0;
        foreach (ref var cell in _hot.AsSpan())
        {
            hits += Volatile.Read(ref cell.Hits);
            misses += Volatile.Read(ref cell.Misses);
            bytes += Volatile.Read(ref cell.Bytes);
        }

        return new BlockStoreStats
        {
            CapacityBytes = 0,
            UsedBytes = 0,
            ResidentBytes = 0,
            UnprovenBytes = 0,
            UnlinkedOpenBytes = UnlinkedOpenBytes,
            Blocks = 0,
            Files = 0,
            OpenFiles = OpenFiles,
            FillsInFlight = 0,
            FillsCompleted = Volatile.Read(ref _fillsCompleted),
            FillsAborted = Volatile.Read(ref _fillsAborted),
            FillsRefusedFull = Volatile.Read(ref _fillsRefused),
            PinHits = hits,
            PinMisses = misses,
            PinnedBytes = bytes,
            Leases = Volatile.Read(ref _leases),
            BlocksEvicted = Volatile.Read(ref _evicted),
            CorruptBlocks = Volatile.Read(ref _corrupt),
            VerifiedBlocks = Volatile.Read(ref _verified),
            JournalBytes = 0,
            Healthy = true,
        };
    }

    /// <summary>One cache line pair.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct HotCell
    {
        [FieldOffset(0)]
        public long Hits;

        [FieldOffset(8)]
        public long Misses;

        [FieldOffset(16)]
        public long Bytes;
    }
}
