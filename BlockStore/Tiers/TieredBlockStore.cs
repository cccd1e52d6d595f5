using Microsoft.Extensions.Logging;
using OrleansCache.Files;

namespace OrleansCache.BlockStore.Tiers;

/// <summary>
/// One store over several disks. A file version belongs to one disk of the fastest medium in service, which rendezvous
/// hashing chooses; where disks came and went a copy may be on another, so who does not find a file there asks the others.
/// Two copies are never mixed: an answer speaks of one disk's cache file, which its generation names.
/// <para>
/// A disk that fails is taken out while the silo runs: what it held is missing from then on. One can be taken out and put
/// in again by hand. With no disk in service every fill is <see cref="FillStatus.Unavailable"/>. With one disk each
/// call goes straight to its store.
/// </para>
/// </summary>
public sealed partial class TieredBlockStore : IBlockStore
{
    /// <summary>A full disk is left alone this long: every fill that asks it waits for an eviction that does not come.</summary>
    private static readonly TimeSpan LeaveFullFor = TimeSpan.FromSeconds(1);

    private readonly TierDisk[] _disks;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly long _scrubBytesPerSecond;
    private readonly Lock _gate = new();
    private readonly Lock _sourcesGate = new();
    private readonly Dictionary<SourceId, SourceCaching> _sources = [];
    private volatile DiskSet _set = new([]);
    private bool _disposed;

    /// <inheritdoc/>
    public FileResidency GetResidency(FileKey file)
    {
        var set = _set;
        return set.Only is { } only ? only.GetResidency(file) : FindHome(set, file, out _);
    }

    /// <inheritdoc/>
    public PinStatus TryPin(FileKey file, long offsetBytes, int lengthBytes, out ReadPin pin)
    {
        var set = _set;
        return set.Only is { } only
            ? only.TryPin(file, offsetBytes, lengthBytes, out pin)
            : TryPinAnywhere(set, file, offsetBytes, lengthBytes, out pin);
    }

    /// <inheritdoc/>
    public ValueTask<FillAttempt> BeginFillAsync(FillRequest request, CancellationToken cancellationToken)
    {
        var set = _set;
        return set.Only is { } only
            ? only.BeginFillAsync(request, cancellationToken)
            : BeginFillSomewhereAsync(set, request, cancellationToken);
    }

    /// <inheritdoc/>
    public LeaseStatus TryLease(FileKey file, out ResidencyLease? lease)
    {
        var set = _set;
        lease = null;
        if (set.Stores.Length == 0)
        {
            return LeaseStatus.Missing;
        }

        if (set.Only is { } only)
        {
            return only.TryLease(file, out lease);
        }

        FindHome(set, file, out var home);
        var status = set.Stores[home].TryLease(file, out lease);
        if (status == LeaseStatus.Leased && set.IsSlow(home))
        {
            PromoteFile(set, home, file, lease!.Residency);
        }

        return status;
    }

    /// <inheritdoc/>
    public async ValueTask<bool> EnsureVerifiedAsync(
        FileKey file, long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        foreach (var store in _set.Stores)
        {
            if (await store.EnsureVerifiedAsync(file, offsetBytes, lengthBytes, cancellationToken))
            {
                return true;
            }
        }

        return false;
    }

    /// <inheritdoc/>
    public void Doubt(FileKey file, long offsetBytes, int lengthBytes)
    {
        foreach (var store in _set.Stores)
        {
            store.Doubt(file, offsetBytes, lengthBytes);
        }
    }

    /// <inheritdoc/>
    public void Touch(FileKey file)
    {
        foreach (var store in _set.Stores)
        {
            store.Touch(file);
        }
    }

    /// <summary>Each disk gets its part of the quota by capacity. A disk that is put in service later is told, too.</summary>
    public void SetSource(SourceId source, SourceCaching caching)
    {
        lock (_sourcesGate)
        {
            _sources[source] = caching;
            Tell(_set, source, caching);
        }
    }

    private void TellAllSources()
    {
        lock (_sourcesGate)
        {
            foreach (var (source, caching) in _sources)
            {
                Tell(_set, source, caching);
            }
        }
    }

    private static void Tell(DiskSet set, SourceId source, SourceCaching caching)
    {
        var disks = set.Disks;
        var capacity = disks.Sum(disk => (double)disk.Options.CapacityBytes);
        for (var i = 0; i < disks.Length; i++)
        {
            var part = (long)(caching.QuotaBytes * (disks[i].Options.CapacityBytes / capacity));
            set.Stores[i].SetSource(source, caching with { QuotaBytes = caching.QuotaBytes > 0 ? Math.Max(1, part) : 0 });
        }
    }

    /// <summary>As for one disk. A disk that is out forgets it before it is used again; a restart of the process does not know that.</summary>
    public async ValueTask DropAsync(FileKey file, CancellationToken cancellationToken)
    {
        ForgetMoves();
        DiskSet set;
        do
        {
            set = DisksNow(missed => missed.Add(file));
            foreach (var store in set.Stores)
            {
                await store.DropAsync(file, cancellationToken);
            }
        }
        while (set != _set); // One that left meanwhile may have closed before it was told, one that came may have it.
    }

    /// <summary>See <see cref="DropAsync"/>.</summary>
    public async ValueTask<int> DropSourceAsync(SourceId source, CancellationToken cancellationToken)
    {
        ForgetMoves();
        var dropped = 0;
        DiskSet set;
        do
        {
            set = DisksNow(missed => missed.Add(source));
            foreach (var store in set.Stores)
            {
                dropped += await store.DropSourceAsync(source, cancellationToken);
            }
        }
        while (set != _set);
        return dropped;
    }

    /// <summary>The disks in service; the others are noted as missing something.</summary>
    private DiskSet DisksNow(Action<MissedDrops> miss)
    {
        lock (_gate)
        {
            foreach (var disk in _disks)
            {
                if (disk.Store is null)
                {
                    miss(disk.Missed);
                }
            }

            return _set;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<VerifyReport> VerifyAsync(FileKey file, CancellationToken cancellationToken)
    {
        var sum = default(VerifyReport);
        foreach (var store in _set.Stores)
        {
            var report = await store.VerifyAsync(file, cancellationToken);
            sum = new(sum.BlocksChecked + report.BlocksChecked, sum.BlocksCorrupt + report.BlocksCorrupt);
        }

        return sum;
    }

    /// <inheritdoc/>
    public async ValueTask SyncAsync(CancellationToken cancellationToken) =>
        await Task.WhenAll(_set.Stores.Select(store => store.SyncAsync(cancellationToken).AsTask()));

    /// <inheritdoc/>
    public BlockStoreStats GetStats() => DiskSums.Of(_set.Stores.Select(store => store.GetStats()));

    /// <inheritdoc/>
    public IEnumerable<StoredFile> EnumerateFiles() => _set.Stores.SelectMany(store => store.EnumerateFiles());

    /// <summary>
    /// The disk whose copy of a file is spoken of: the one where it belongs if that has all of it, else the one that has
    /// most. One that knows the file with nothing of it there yet comes before one that does not.
    /// </summary>
    private static FileResidency FindHome(DiskSet set, FileKey file, out int home)
    {
        home = -1;
        if (set.Stores.Length == 0)
        {
            return FileResidency.None;
        }

        home = set.Place(file);
        var best = set.Stores[home].GetResidency(file);
        if (best.IsComplete)
        {
            return best;
        }

        for (var i = 0; i < set.Stores.Length; i++)
        {
            var found = set.Stores[i].GetResidency(file);
            if (found.ResidentBlocks > best.ResidentBlocks || (found.BlockCount > 0 && best.BlockCount == 0))
            {
                (best, home) = (found, i);
            }
        }

        return best;
    }

    private PinStatus TryPinAnywhere(DiskSet set, FileKey file, long offsetBytes, int lengthBytes, out ReadPin pin)
    {
        pin = default;
        if (set.Stores.Length == 0)
        {
            return PinStatus.Missing;
        }

        var first = set.Place(file);
        var status = set.Stores[first].TryPin(file, offsetBytes, lengthBytes, out pin);
        for (var i = 0; i < set.Stores.Length && status != PinStatus.Pinned; i++)
        {
            var other = i == first ? PinStatus.Missing : set.Stores[i].TryPin(file, offsetBytes, lengthBytes, out pin);
            status = other == PinStatus.Missing ? status : other;
            if (other == PinStatus.Pinned && set.IsSlow(i))
            {
                PromoteRange(set, i, file, offsetBytes, lengthBytes);
            }
        }

        return status;
    }

    private async ValueTask<FillAttempt> BeginFillSomewhereAsync(
        DiskSet set, FillRequest request, CancellationToken cancellationToken)
    {
        var attempt = new FillAttempt(FillStatus.Unavailable, null, null);
        var (next, full) = FirstToAsk(set, request);
        for (var tried = 0UL; next >= 0; next = Another(set, request.File, tried, full))
        {
            attempt = await set.Stores[next].BeginFillAsync(request, cancellationToken);
            if (attempt.Status is not (FillStatus.Full or FillStatus.Unavailable or FillStatus.Refused))
            {
                return attempt;
            }

            tried |= 1UL << next;
            if (attempt.Status == FillStatus.Full)
            {
                Volatile.Write(
                    ref set.Disks[next].FullUntil,
                    _time.GetTimestamp() + (long)(LeaveFullFor.TotalSeconds * _time.TimestampFrequency));
            }
        }

        return attempt;
    }

    /// <summary>Who has the block already, else the file's home, else another when that is full; and who is full.</summary>
    private (int First, ulong Full) FirstToAsk(DiskSet set, FillRequest request)
    {
        var full = 0UL;
        var now = _time.GetTimestamp();
        for (var i = 0; i < set.Stores.Length; i++)
        {
            if (set.Stores[i].GetResidency(request.File).Has(request.BlockIndex))
            {
                return (i, 0);
            }

            full |= Volatile.Read(ref set.Disks[i].FullUntil) > now ? 1UL << i : 0;
        }

        FindHome(set, request.File, out var home);
        return home >= 0 && (full >> home & 1) == 0 ? (home, full) : (Another(set, request.File, 0, full), full);
    }

    /// <summary>Where the file belongs among those not asked yet; full ones last.</summary>
    private static int Another(DiskSet set, FileKey file, ulong tried, ulong full) =>
        set.Place(file, tried | full) is var other and >= 0 ? other : set.Place(file, tried);
}
