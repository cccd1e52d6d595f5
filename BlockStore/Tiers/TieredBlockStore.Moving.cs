using OrleansCache.Files;

namespace OrleansCache.BlockStore.Tiers;

/// <summary>
/// Between media. Down: what a disk evicts is copied to the next slower one while its pin holds up the punch; if that cannot
/// follow, blocks are dropped and eviction goes on. Up: a block that is used a second time on a slower disk is copied to the
/// fastest. The copy that is left below goes by that disk's own eviction.
/// </summary>
public sealed partial class TieredBlockStore
{
    /// <summary>What waits to be copied keeps room from being reused, so it stays small beside any tier.</summary>
    private const long QueuedBytesMax = 64L << 20;

    /// <summary>
    /// At most this share of the smallest disk may wait. Less than what a disk keeps free ahead of fills (3 %): then a slower disk
    /// that is behind, or hangs, holds up no fill of a faster one.
    /// </summary>
    internal const int QueuedShare = 64;

    /// <summary>Promotions share the fast disks with fills and readers: 64 MiB a second is a few percent of an NVMe.</summary>
    private const long PromotedBytesPerSecond = 64L << 20;

    private readonly UseWindow _uses = new();
    private BlockMover? _down;
    private BlockMover? _up;

    /// <summary>Bytes copied to slower disks when faster ones evicted them, since the process started.</summary>
    public long DemotedBytes => _down?.MovedBytes ?? 0;

    /// <summary>Bytes copied to faster disks because they were used again.</summary>
    public long PromotedBytes => _up?.MovedBytes ?? 0;

    private void BeginMoving()
    {
        var queued = Math.Min(QueuedBytesMax, _disks.Min(disk => disk.Options.CapacityBytes) / QueuedShare);
        _down = new BlockMover(queued, bytesPerSecond: 0, PlaceBelow, _time, _logger);
        _up = new BlockMover(queued, PromotedBytesPerSecond, PlaceAbove, _time, _logger);
        foreach (var disk in _disks)
        {
            disk.Options.Evicting = copy => _set.PlaceBelow(copy.Medium, copy.Shape.Key) >= 0 && _down.TryAdd(copy);
        }
    }

    /// <summary>Something is dropped: no copy that began before may outlive it.</summary>
    private void ForgetMoves()
    {
        _down?.Forget();
        _up?.Forget();
    }

    private async ValueTask StopMovingAsync()
    {
        if (_down is not null && _up is not null)
        {
            await _up.DisposeAsync();
            await _down.DisposeAsync();
        }
    }

    private DiskBlockStore? PlaceBelow(BlockCopy copy)
    {
        var set = _set;
        return set.PlaceBelow(copy.Medium, copy.Shape.Key) is var place and >= 0 ? set.Stores[place] : null;
    }

    private DiskBlockStore? PlaceAbove(BlockCopy copy)
    {
        var set = _set;
        return set.Place(copy.Shape.Key, excluded: 0) is var place and >= 0 && set.Disks[place].Options.Medium < copy.Medium
            ? set.Stores[place]
            : null;
    }

    private void PromoteRange(DiskSet set, int disk, FileKey file, long offsetBytes, int lengthBytes)
    {
        var blockBytes = set.Stores[disk].GetResidency(file).BlockSizeBytes;
        if (blockBytes == 0)
        {
            return; // Evicted meanwhile; the reader has its pin.
        }

        for (var block = (int)(offsetBytes / blockBytes); block <= (offsetBytes + lengthBytes - 1) / blockBytes; block++)
        {
            if (!TryPromote(set, disk, file, block))
            {
                return;
            }
        }
    }

    /// <summary>Reads of a leased file are not seen: a lease counts as a use of all it shows.</summary>
    private void PromoteFile(DiskSet set, int disk, FileKey file, FileResidency residency)
    {
        for (var block = 0; block < residency.BlockCount; block++)
        {
            if (residency.Has(block) && !TryPromote(set, disk, file, block))
            {
                return;
            }
        }
    }

    /// <summary>False when no more can be taken now.</summary>
    private bool TryPromote(DiskSet set, int disk, FileKey file, int block)
    {
        var now = (uint)(_time.GetTimestamp() / _time.TimestampFrequency);
        if (!_uses.IsSecond(file, block, now) || !set.Stores[disk].TryPinCopy(file, block, out var copy))
        {
            return true;
        }

        if (_up is not null && _up.TryAdd(copy))
        {
            return true;
        }

        copy.Pin.Dispose();
        return false;
    }
}
