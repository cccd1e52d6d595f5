using OrleansCache.BlockStore.Index;

namespace OrleansCache.BlockStore.Eviction;

/// <summary>Decides who goes first. It only orders; whether a file may go (pins, leases, fills) is the evictor's business.</summary>
internal interface IEvictionPolicy
{
    /// <summary>A file was opened, leased or read. On the hot path: no lock, no allocation.</summary>
    void Touch(CachedFile file);

    /// <summary>The files to give up first, in order, at least <paramref name="bytesWanted"/> worth if there are that many.</summary>
    List<CachedFile> PickVictims(IEnumerable<CachedFile> files, long bytesWanted);
}
