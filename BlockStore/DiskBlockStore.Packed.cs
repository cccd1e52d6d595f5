using OrleansCache.BlockStore.Packed;
using OrleansCache.Files;

namespace OrleansCache.BlockStore;

/// <summary>What the packed objects and the rest of the store are to each other.</summary>
public sealed partial class DiskBlockStore
{
    /// <summary>Neither eviction nor compaction has anything to do: what tests wait for before they copy a tier.</summary>
    internal bool IsIdle =>
        _space.UsedBytes - _space.LeavingBytes <= _space.LimitBytes * _options.EvictAboveShare && _packed.IsIdle;

    bool IPackedHost.TakesFills => _healthy && !_closing;

    bool IPackedHost.IsClosing => _closing;

    bool IPackedHost.HasSyncFailed => _syncFailed;

    bool IPackedHost.IsShortOfRoom => _evictor.IsShortOfRoom;

    ulong IPackedHost.BootTag => _bootTag;

    bool IPackedHost.IsOverQuota(SourceId source) => _items.IsOverQuota(source);

    ValueTask<bool> IPackedHost.AwaitQuotaAsync(SourceId source, CancellationToken cancellationToken) =>
        _evictor.AwaitQuotaAsync(source, cancellationToken);

    ValueTask<bool> IPackedHost.ReserveAsync(long bytes, CancellationToken cancellationToken) =>
        _evictor.ReserveAsync(bytes, cancellationToken);

    FillFailure IPackedHost.OnWriteFailed(IOException exception) => ((IFillHost)this).OnWriteFailed(exception);

    void IPackedHost.SetUnhealthy(Exception exception) => SetUnhealthy(exception);

    void IPackedHost.OnPacked()
    {
        _housekeeping.OnPacked();
        _evictor.Nudge();
    }

    void IPackedHost.OnCorrupt(FileKey file)
    {
        _counters.Corrupt(1);
        LogCorrupt(file, 0);
    }

    void IPackedHost.DistrustNextStart() => DistrustNextStart();

    void IPackedHost.Forget(Task task) => Forget(task);

    private PinStatus TryPinPacked(FileKey file, long offsetBytes, int lengthBytes, out ReadPin pin)
    {
        var status = _packed.TryPin(file, offsetBytes, lengthBytes, out pin);
        if (status != PinStatus.Pinned)
        {
            return Miss(status);
        }

        _counters.PinHit(lengthBytes);
        return status;
    }

    /// <summary>Whether a fill is the packed store's: the file is small or packed already, and has no cache file.</summary>
    private bool IsPacked(in FileShape shape) =>
        (_packed.Takes(shape) || _packed.Knows(shape.Key)) && !_files.ContainsKey(shape.Key);

    private ValueTask<FillAttempt> BeginPackedFillAsync(in FileShape shape, CancellationToken cancellationToken) =>
        shape.BlockCount == 1 && shape.LengthBytes <= BlockStoreOptions.PackedBytesMost
            ? _packed.BeginFillAsync(shape, cancellationToken)
            : new(new FillAttempt(FillStatus.Mismatch, null, null));
}
