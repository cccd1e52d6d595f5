namespace OrleansCache.BlockStore.Eviction;

/// <summary>
/// Decides who goes first among the items that are given to it. It only orders; whether an item may go (pins, leases, fills)
/// is the evictor's business. All but <see cref="Touch"/> under the lock of <see cref="CacheItems"/>.
/// </summary>
internal interface IEvictionPolicy
{
    /// <summary>Bytes of its items that are not picked.</summary>
    long Bytes { get; }

    /// <summary>An item is visible from now on.</summary>
    void Added(uint item);

    /// <summary>An item was opened, leased or read. True if that counts as a visit of its own. Any thread, no lock, no allocation.</summary>
    bool Touch(uint item);

    /// <summary>An item grew or shrank.</summary>
    void Resized(uint item, long deltaBytes);

    /// <summary>A queued item is gone, whoever removed it.</summary>
    void Removed(uint item);

    /// <summary>Takes victims out of the queues, in order, worth about so many bytes if there are that many.</summary>
    void PickVictims(long bytesWanted, List<uint> victims);

    /// <summary>A picked item stays: it goes back to where it was taken (<paramref name="first"/>), or to the end if it is in use.</summary>
    void Return(uint item, bool first);

    /// <summary>Gives up all items of a source, which another policy takes.</summary>
    void Extract(ushort source, List<uint> items);
}
