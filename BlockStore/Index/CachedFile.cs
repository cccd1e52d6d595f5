using System.Numerics;
using Microsoft.Win32.SafeHandles;
using OrleansCache.BlockStore.Eviction;

namespace OrleansCache.BlockStore.Index;

/// <summary>
/// One file version in the store: which blocks are there, their checksums, its cache file's descriptor, its readers.
/// <para>
/// Threading: the proven bitmap and the handle are read without a lock by readers that are in <see cref="Pins"/>;
/// everything is changed under <see cref="Gate"/>, which is never held across I/O except open(2).
/// A block is in one of: absent, filling (in <see cref="Fills"/>), proven, unproven, condemned (hidden, to be punched).
/// </para>
/// </summary>
internal sealed class CachedFile(FileShape shape, TierDirectory directory, long generation) : IFillPlace, IReaped
{
    private readonly ulong[] _proven = new ulong[(shape.BlockCount + 63) / 64];
    private readonly uint[]?[] _crcs = new uint[]?[shape.BlockCount];
    private static readonly IReadOnlyDictionary<int, BlockFill> NoFills = new Dictionary<int, BlockFill>();
    private Dictionary<int, BlockFill>? _fills; // Only while there are some: files at rest are many.
    private ulong[]? _unproven;
    private SafeFileHandle? _handle;
    private long _lastUsed;
    private long _changes;
    private KeptSnapshot? _snapshot;
    private ExtentItems? _extents;
    private uint[]? _items; // One per extent; 0 = nothing of it is here.

    public readonly Lock Gate = new();

    public PinGate Pins;

    public FileShape Shape { get; } = shape;

    /// <summary>Made when asked for: a million small files would keep 200 MB of names.</summary>
    public string Path => directory.PathOf(Shape.Key);

    public string Name => Shape.Key.ToString();

    public long Generation { get; } = generation;

    /// <summary>Fills that have not given their bytes back or become blocks. Under <see cref="Gate"/>.</summary>
    public IReadOnlyDictionary<int, BlockFill> Fills => _fills ?? NoFills;

    /// <summary>Being removed: nothing new may start. Completes when the name is free again. Under <see cref="Gate"/>.</summary>
    public TaskCompletionSource? Removal { get; set; }

    /// <summary>Some blocks are being punched. Completes when they are. Under <see cref="Gate"/>.</summary>
    public TaskCompletionSource? Punching { get; set; }

    /// <summary>Verifications under way, by block. Under <see cref="Gate"/>.</summary>
    public Dictionary<int, Task<BlockFinding>>? Verifying { get; set; }

    /// <summary>Bytes of proven and unproven blocks. Under <see cref="Gate"/>.</summary>
    public long PresentBytes { get; private set; }

    /// <summary>Proven and unproven blocks. Under <see cref="Gate"/>.</summary>
    public int PresentBlocks { get; private set; }

    /// <summary>Where the last fill was: eviction of a part begins behind it, with what a sequential reader left longest ago.</summary>
    public int LastFilledBlock { get; set; }

    /// <summary>The journal may know of this file, so its end must be recorded.</summary>
    public bool InJournal { get; set; }

    /// <summary>Bytes outside its blocks may be left: from a crash, or from a fill that failed under a lease.</summary>
    public bool HasLeftovers { get; set; }

    /// <summary>The one grace under way, if any; owned by the reaper.</summary>
    public object? GraceOwner { get; set; }

    public long LastUsed => Volatile.Read(ref _lastUsed);

    public SafeFileHandle? Handle => Volatile.Read(ref _handle);

    public void SetHandle(SafeFileHandle? handle) => Volatile.Write(ref _handle, handle);

    public void Touch(long timestamp) => Volatile.Write(ref _lastUsed, timestamp);

    /// <summary>A use of some blocks, for the eviction policy. No lock.</summary>
    public void TouchItems(int firstBlock, int lastBlock)
    {
        if (Volatile.Read(ref _items) is not { } items)
        {
            return;
        }

        for (var extent = ExtentOf(firstBlock); extent <= ExtentOf(lastBlock); extent++)
        {
            _extents!.Touch(Volatile.Read(ref items[extent]));
        }
    }

    /// <summary>From now on its extents can be evicted. Under <see cref="Gate"/>, once: when new, or when all of it is recovered.</summary>
    public void Enlist(ExtentItems extents)
    {
        _extents = extents;
        Volatile.Write(ref _items, new uint[ExtentOf(Shape.BlockCount - 1) + 1]);
        for (var block = 0; block < Shape.BlockCount && PresentBlocks > 0; block++)
        {
            if (IsPresent(block))
            {
                Account(block, Shape.BlockDiskBytes(block));
            }
        }
    }

    /// <summary>The blocks of an extent.</summary>
    public (int First, int Count) BlocksOf(int extent)
    {
        var each = ExtentItems.BlocksPerExtent(Shape);
        return (extent * each, Math.Min(each, Shape.BlockCount - (extent * each)));
    }

    /// <summary>A fill begins. Under <see cref="Gate"/>.</summary>
    public void AddFill(BlockFill fill) => (_fills ??= []).Add(fill.Block, fill);

    /// <summary>A fill is over. Under <see cref="Gate"/>.</summary>
    public void RemoveFill(int block)
    {
        if (_fills is { } fills && fills.Remove(block) && fills.Count == 0)
        {
            _fills = null;
        }
    }

    /// <summary>Ends what <see cref="Punching"/> says.</summary>
    public void EndPunch()
    {
        TaskCompletionSource? punching;
        lock (Gate)
        {
            punching = Punching;
            Punching = null;
        }

        punching?.SetResult();
    }

    public int Pin() => Pins.Enter();

    public void Unpin(int slot) => Pins.Exit(slot);

    public SafeFileHandle? ShownHandle(int block) => IsProven(block) ? Handle : null;

    public bool AdvanceGrace(ref int step) => Pins.Advance(ref step);

    /// <summary>Whether all blocks of a range are proven. No lock.</summary>
    public bool HasProven(int first, int last)
    {
        for (var block = first; block <= last; block++)
        {
            if ((Volatile.Read(ref _proven[block >> 6]) >> (block & 63) & 1) == 0)
            {
                return false;
            }
        }

        return true;
    }

    public bool IsProven(int block) => HasProven(block, block);

    public bool IsUnproven(int block) =>
        Volatile.Read(ref _unproven) is { } bits && (Volatile.Read(ref bits[block >> 6]) >> (block & 63) & 1) != 0;

    public bool IsPresent(int block) => IsProven(block) || IsUnproven(block);

    public uint[]? Crcs(int block) => Volatile.Read(ref _crcs[block]);

    /// <summary>Shows a block. Under <see cref="Gate"/>.</summary>
    public void Show(int block, uint[] crcs, bool proven)
    {
        if (!IsPresent(block))
        {
            PresentBlocks++;
            PresentBytes += Shape.BlockDiskBytes(block);
            Account(block, Shape.BlockDiskBytes(block));
        }

        Volatile.Write(ref _crcs[block], crcs);
        _unproven ??= proven ? null : new ulong[_proven.Length];
        var bit = 1UL << (block & 63);
        if (proven)
        {
            Interlocked.Or(ref _proven[block >> 6], bit);
            if (_unproven is not null)
            {
                Interlocked.And(ref _unproven[block >> 6], ~bit);
            }
        }
        else
        {
            Interlocked.Or(ref _unproven![block >> 6], bit);
            Interlocked.And(ref _proven[block >> 6], ~bit);
        }

        Interlocked.Increment(ref _changes);
    }

    /// <summary>Hides a block; false if it was not there. Under <see cref="Gate"/>.</summary>
    public bool Hide(int block)
    {
        if (!IsPresent(block))
        {
            return false;
        }

        var bit = 1UL << (block & 63);
        Interlocked.And(ref _proven[block >> 6], ~bit);
        if (_unproven is not null)
        {
            Interlocked.And(ref _unproven[block >> 6], ~bit);
        }

        PresentBlocks--;
        PresentBytes -= Shape.BlockDiskBytes(block);
        Account(block, -Shape.BlockDiskBytes(block));
        Volatile.Write(ref _crcs[block], null);
        Interlocked.Increment(ref _changes);
        return true;
    }

    public int CountUnproven() => Count(Volatile.Read(ref _unproven));

    public int CountProven() => Count(_proven);

    /// <summary>
    /// What is there. The last one is kept until a block comes or goes, so that asking about a file at rest allocates
    /// nothing. No lock: a snapshot counts for the number of changes read before its bits were.
    /// </summary>
    public FileResidency Snapshot()
    {
        var changes = Interlocked.Read(ref _changes);
        if (Volatile.Read(ref _snapshot) is { } kept && kept.Changes == changes)
        {
            return kept.Residency;
        }

        var residency = TakeSnapshot();
        Volatile.Write(ref _snapshot, new KeptSnapshot(residency, changes));
        return residency;
    }

    private int ExtentOf(int block) => block / ExtentItems.BlocksPerExtent(Shape);

    private void Account(int block, long deltaBytes)
    {
        if (_extents is not { } extents)
        {
            return;
        }

        ref var item = ref _items![ExtentOf(block)];
        if (item == 0)
        {
            Volatile.Write(ref item, extents.Added(this, ExtentOf(block), deltaBytes));
        }
        else if (!extents.Resized(item, deltaBytes))
        {
            Volatile.Write(ref item, 0);
        }
    }

    private FileResidency TakeSnapshot()
    {
        var bits = new ulong[_proven.Length];
        for (var i = 0; i < bits.Length; i++)
        {
            bits[i] = Volatile.Read(ref _proven[i]);
        }

        return new FileResidency(
            bits, Shape.BlockCount, Shape.Layout.BlockSizeBytes, Shape.LengthBytes, Generation, CountUnproven());
    }

    private static int Count(ulong[]? bits)
    {
        var count = 0;
        foreach (var word in bits ?? [])
        {
            count += BitOperations.PopCount(word);
        }

        return count;
    }

    private sealed record KeptSnapshot(FileResidency Residency, long Changes);
}
