using OrleansCache.Files;

namespace OrleansCache.BlockStore.Tiers;

/// <summary>
/// What was dropped while a disk was out of service. Bounded: past the bound everything on that disk counts as dropped. Under the gate of
/// the <see cref="TieredBlockStore"/> while it is a disk's.
/// </summary>
internal sealed class MissedDrops
{
    /// <summary>A few MiB of keys; who drops more while a disk is out has little left on it worth keeping.</summary>
    public const int FilesMax = 1 << 16;

    private readonly HashSet<FileKey> _files = [];
    private readonly HashSet<SourceId> _sources = [];
    private bool _everything;

    public bool IsEmpty => !_everything && _files.Count == 0 && _sources.Count == 0;

    public void Add(FileKey file)
    {
        if (_files.Count == FilesMax)
        {
            _everything = true;
        }

        if (!_everything)
        {
            _files.Add(file);
        }
    }

    public void Add(SourceId source) => _sources.Add(source); // Bounded by the sources there ever were.

    /// <summary>What another knows, too.</summary>
    public void Add(MissedDrops other)
    {
        _everything |= other._everything;
        foreach (var file in other._files)
        {
            Add(file);
        }

        _sources.UnionWith(other._sources);
    }

    /// <summary>Drops it all from a store that nobody sees yet.</summary>
    public async Task ApplyToAsync(DiskBlockStore store)
    {
        IEnumerable<FileKey> files = _everything ? store.EnumerateFiles().Select(file => file.File) : _files;
        foreach (var file in files)
        {
            await store.DropAsync(file, CancellationToken.None);
        }

        foreach (var source in _sources)
        {
            await store.DropSourceAsync(source, CancellationToken.None);
        }
    }
}
