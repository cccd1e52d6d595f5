using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Eviction;
using OrleansCache.BlockStore.Journal;
using OrleansCache.Files;

namespace OrleansCache.BlockStore.Packed;

/// <summary>What the packed objects need of the store they are part of.</summary>
internal interface IPackedHost
{
    /// <summary>The tier takes fills: healthy, and not being closed.</summary>
    bool TakesFills { get; }

    /// <summary>The tier is being closed.</summary>
    bool IsClosing { get; }

    /// <summary>A sync failed: bytes written before may be lost, whatever a read shows.</summary>
    bool HasSyncFailed { get; }

    /// <summary>The tier is fuller than it should be, or somebody waits for room.</summary>
    bool IsShortOfRoom { get; }

    ulong BootTag { get; }

    /// <summary>A source holds all it may; see <see cref="AwaitQuotaAsync"/>.</summary>
    bool IsOverQuota(SourceId source);

    /// <summary>Waits until a source has given up enough of its own; false if what it has is in use.</summary>
    ValueTask<bool> AwaitQuotaAsync(SourceId source, CancellationToken cancellationToken);

    ValueTask<bool> ReserveAsync(long bytes, CancellationToken cancellationToken);

    /// <summary>A write failed; says what that means.</summary>
    FillFailure OnWriteFailed(IOException exception);

    void SetUnhealthy(Exception exception);

    /// <summary>An object became visible: the next barrier has something to do.</summary>
    void OnPacked();

    /// <summary>Bytes that do not match their checksum, or are not there.</summary>
    void OnCorrupt(FileKey file);

    /// <summary>What the journal calls valid is to be verified by the next start, also in this boot.</summary>
    void DistrustNextStart();

    /// <summary>Lets a task go on by itself.</summary>
    void Forget(Task task);
}

/// <summary>
/// Small files, each a range of a log segment instead of a cache file: no inode, no descriptor, one disk read.
/// <para>
/// Order of truth as for blocks: bytes written, valid record durable, visible; gone record durable, then the segment
/// may go. Where the order of two records of one key matters, they are appended under the key's gate together with the
/// change of the index, so that the journal tells the same story. Readers count themselves in the segment's
/// <see cref="Index.PinGate"/> and look at the index again: bytes once written are never overwritten, so whoever saw an
/// entry while counted may read.
/// </para>
/// </summary>
internal sealed partial class PackedStore : IFillHost, IItemOwner, IDisposable
{
    private const int ResidenciesKept = 1024; // Power of two.
    private const int SegmentsMin = 16; // A tier of fewer would be half empty with one open, one spare, one being compacted.

    private readonly IPackedHost _host;
    private readonly BlockStoreOptions _options;
    private readonly IDiskIo _io;
    private readonly ILogger _logger;
    private readonly string _directory;
    private readonly BlockJournal _journal;
    private readonly TierSpace _space;
    private readonly StoreCounters _counters;
    private readonly PackedIndex _index = new();
    private readonly CacheItems _items;
    private readonly SourceNumbers _sources = new();
    private readonly PackedSegments _segments;
    private readonly ConcurrentDictionary<FileKey, BlockFill> _fills = new();
    private readonly SemaphoreSlim _opening = new(1);
    private readonly FileResidency?[] _residencies = new FileResidency?[ResidenciesKept];
    private long _liveBytes;
    private long _unprovenBytes;

    public PackedStore(
        IPackedHost host, BlockStoreOptions options, IDiskIo io, TierDirectory directory, BlockJournal journal, TierSpace space,
        Reaper reaper, StoreCounters counters, CacheItems items, long generation, ILogger logger)
    {
        _host = host;
        _options = options;
        _io = io;
        _logger = logger;
        _directory = directory.PackedPath;
        _journal = journal;
        _space = space;
        _counters = counters;
        _items = items;
        Generation = generation;
        _segments = new PackedSegments(_io, _directory, space, reaper, SegmentBytesOf(options)) { OnDead = WakeCompactor };
    }

    /// <summary>All objects have it: none is ever leased, so it tells nothing apart.</summary>
    public long Generation { get; }

    public long Count => _index.Count;

    public long LiveBytes => Volatile.Read(ref _liveBytes);

    /// <summary>Whether a file is packed when it is filled: it is small, has one block, and the tier has room for segments.</summary>
    public bool Takes(in FileShape shape) =>
        shape.LengthBytes <= _options.PackedMaxBytes && shape.BlockCount == 1
        && _options.CapacityBytes >= SegmentsMin * _segments.SegmentBytes;

    /// <summary>Whether the store has the file, or a fill of it.</summary>
    public bool Knows(FileKey file) => _index.TryFind(file, out _) || _fills.ContainsKey(file);

    /// <summary>See <see cref="IBlockStore.TryPin"/>; counts neither hit nor miss.</summary>
    public PinStatus TryPin(FileKey file, long offsetBytes, int lengthBytes, out ReadPin pin)
    {
        pin = default;
        while (_index.TryFind(file, out var found))
        {
            var place = found.Entry.At;
            if (offsetBytes > found.Entry.LengthBytes - lengthBytes)
            {
                return PinStatus.Missing;
            }

            if (place.State != PackedState.Proven)
            {
                return PinStatus.Unproven;
            }

            if (_segments.InSlot(place.Slot) is not { } segment)
            {
                continue; // It has moved or gone, and its segment, too.
            }

            var slot = segment.Pins.Enter();
            if (_host.IsClosing)
            {
                segment.Pins.Exit(slot);
                return PinStatus.Missing;
            }

            if (_index.IsUnchanged(file, found) && segment.Handle is { } handle)
            {
                _items.Touch(found.Item);
                pin = new ReadPin(segment, slot, handle, place.OffsetBytes + offsetBytes, lengthBytes);
                return PinStatus.Pinned;
            }

            segment.Pins.Exit(slot);
        }

        return PinStatus.Missing;
    }

    public FileResidency GetResidency(FileKey file)
    {
        if (!_index.TryFind(file, out var found))
        {
            return FileResidency.None;
        }

        var (length, blockSize) = (found.Entry.LengthBytes, found.Entry.Layout.BlockSizeBytes);
        if (found.Entry.At.State != PackedState.Proven)
        {
            return new FileResidency([0], 1, blockSize, length, Generation, unproven: 1);
        }

        // Equal for all files of one length, and asked for on every read: kept.
        ref var kept = ref _residencies[length & (ResidenciesKept - 1)];
        if (Volatile.Read(ref kept) is { } known && known.FileLengthBytes == length && known.BlockSizeBytes == blockSize)
        {
            return known;
        }

        var residency = new FileResidency([1], 1, blockSize, length, Generation, unproven: 0);
        Volatile.Write(ref kept, residency);
        return residency;
    }

    public void Touch(FileKey file)
    {
        if (_index.TryFind(file, out var found))
        {
            _items.Touch(found.Item);
        }
    }

    public IEnumerable<StoredFile> EnumerateFiles(Func<FileKey, bool> isWanted)
    {
        for (var item = 1u; item < _index.ItemsEnd; item++)
        {
            if (_index.TryRead(item, out var entry) && isWanted(entry.Key))
            {
                var isProven = entry.At.State == PackedState.Proven;
                yield return new StoredFile(
                    entry.Key, _sources.Of(entry.At.Source), entry.LengthBytes, entry.Layout,
                    isProven ? 1 : 0, entry.SpaceBytes, isProven ? 0 : 1);
            }
        }
    }

    /// <summary>Adds the packed objects to the store's figures.</summary>
    public BlockStoreStats AddTo(BlockStoreStats stats)
    {
        var (segments, segmentBytes) = _segments.Totals();
        var live = LiveBytes;
        return stats with
        {
            ResidentBytes = stats.ResidentBytes + live,
            UnprovenBytes = stats.UnprovenBytes + Volatile.Read(ref _unprovenBytes),
            Blocks = stats.Blocks + Count,
            Files = stats.Files + Count,
            FillsInFlight = stats.FillsInFlight + _fills.Count,
            PackedObjects = Count,
            PackedBytes = live,
            PackedSegments = segments,
            PackedSegmentBytes = segmentBytes,
            PackedMovedBytes = Volatile.Read(ref _movedBytes),
            PackedIndexBytes = _index.NativeBytes,
        };
    }

    /// <summary>Aborts the fills and ends compaction. What is there can still be read and written to a checkpoint.</summary>
    public async ValueTask StopAsync()
    {
        foreach (var (_, fill) in _fills)
        {
            fill.Abort(FillFailure.Abandoned);
            await fill.Ended;
        }

        await StopCompactorAsync();
    }

    /// <summary>Somebody reads, or a segment is being removed. With the tier closing, no reader comes any more.</summary>
    public bool IsInUse => _segments.AreSomeRetired || _segments.All().Exists(segment => !segment.Pins.IsIdle);

    /// <summary>Closes the segments; after <see cref="StopAsync"/>.</summary>
    public void Dispose() => _segments.Close();

    /// <summary>From now on every object is verified before it is served.</summary>
    public void DistrustEverything()
    {
        for (var item = 1u; item < _index.ItemsEnd; item++)
        {
            if (_index.TryRead(item, out var entry))
            {
                SetState(entry.Key, entry.At, PackedState.Unproven);
            }
        }
    }

    public bool IsShownAt(FileKey file, PackedPlace place) =>
        _index.TryFind(file, out var found) && found.Entry.At.IsWhere(place) && found.Entry.At.State == PackedState.Proven;

    /// <summary>
    /// A 64th of the tier, so that what is open and spare costs little; at least 1 MiB and eight objects; at most 32 MiB, so
    /// that compaction is done in small steps, but not more than 4,096 segments, which have a descriptor each, up to 1 TiB.
    /// </summary>
    private static long SegmentBytesOf(BlockStoreOptions options)
    {
        var most = Math.Clamp(options.CapacityBytes / 4096, 32L << 20, PackedPlace.SegmentBytesMax);
        var least = Math.Max(1L << 20, 8L * options.PackedMaxBytes);
        return Math.Clamp(options.CapacityBytes / 64, least, most) & -4096L;
    }

    /// <summary>Shows an object. Under the key's gate.</summary>
    private void Show(in PackedEntry entry)
    {
        var item = _items.Added(entry.Key, 0, _sources.Of(entry.At.Source), entry.SpaceBytes, this);
        _index.Insert(item, entry);
        CountIn(entry, 1);
    }

    /// <summary>Hides an object. Under the key's gate.</summary>
    private bool TryHide(FileKey file, out PackedEntry entry)
    {
        var isThere = _index.TryRemove(file, out var found);
        entry = found.Entry;
        if (isThere)
        {
            _items.Removed(found.Item);
            CountIn(entry, -1);
        }

        return isThere;
    }

    private bool SetState(FileKey file, PackedPlace where, PackedState state)
    {
        lock (_index.GateOf(file))
        {
            if (!_index.TryFind(file, out var found) || !found.Entry.At.IsWhere(where))
            {
                return false;
            }

            var before = found.Entry.At.State;
            _index.TryReplace(file, where, found.Entry.At.With(state));
            var change = (state == PackedState.Unproven ? 1 : 0) - (before == PackedState.Unproven ? 1 : 0);
            Interlocked.Add(ref _unprovenBytes, change * found.Entry.SpaceBytes);
            return true;
        }
    }

    private void CountIn(in PackedEntry entry, int sign)
    {
        Interlocked.Add(ref _liveBytes, sign * entry.SpaceBytes);
        Interlocked.Add(ref _unprovenBytes, entry.At.State == PackedState.Unproven ? sign * entry.SpaceBytes : 0);
    }
}
