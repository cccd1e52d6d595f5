using OrleansCache.BlockStore.Tiers;
using OrleansCache.Grains.Silos;

namespace OrleansCache.Silo.Disks;

/// <summary>This silo's disks for its grains. The store is there once the silo has opened it, which is before it serves.</summary>
internal sealed class DiskControl(ILocalSiloDetails silo) : IDiskControl
{
    private volatile TieredBlockStore? _store;

    /// <summary>The store.</summary>
    public TieredBlockStore? Store
    {
        set => _store = value;
    }

    /// <inheritdoc/>
    public string SiloName => silo.Name;

    /// <inheritdoc/>
    public async Task SetAsync(string directory, bool inService, CancellationToken cancellationToken)
    {
        var store = _store ?? throw new CacheRequestException(RequestError.Unavailable, $"silo {SiloName} is starting; ask again");
        var change = inService ? await store.PutInAsync(directory, cancellationToken) : store.TakeOut(directory);
        switch (change)
        {
            case DiskChange.Done:
                return;
            case DiskChange.Unknown:
                throw new CacheRequestException(
                    RequestError.NotFound,
                    $"silo {SiloName} has no disk {directory}; it has {string.Join(", ", store.Disks.Select(disk => disk.Directory))}");
            case DiskChange.Busy:
                throw new CacheRequestException(
                    RequestError.Unavailable,
                    $"disk {directory} of silo {SiloName} still has readers of before it was taken out; try again in a moment");
            default:
                var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)); // As the store has it.
                var reason = store.Disks.FirstOrDefault(disk => disk.Directory == path)?.Reason;
                throw new CacheRequestException(
                    RequestError.InvalidArgument, $"disk {directory} of silo {SiloName} cannot be used: {reason?.ReplaceLineEndings(" ")}");
        }
    }
}
