namespace OrleansCache.Grains.Namespaces;

/// <summary>How many directory entries the grains of one silo hold together. Thread-safe.</summary>
/// <param name="maxEntries">The bound.</param>
internal sealed class ListingBudget(long maxEntries)
{
    /// <summary>A million entries of some 300 bytes: more than half of the default memory of a silo is not for listings.</summary>
    public const long DefaultMaxEntries = 1_000_000;

    private long _used;

    /// <summary>The bound.</summary>
    public long MaxEntries => maxEntries;

    /// <summary>Entries held now.</summary>
    public long Used => Interlocked.Read(ref _used);

    /// <summary>Takes room for entries.</summary>
    /// <returns>False when there is none; nothing is taken then.</returns>
    public bool TryReserve(long entries)
    {
        if (Interlocked.Add(ref _used, entries) <= maxEntries)
        {
            return true;
        }

        Interlocked.Add(ref _used, -entries);
        return false;
    }

    /// <summary>Gives room back.</summary>
    public void Release(long entries) => Interlocked.Add(ref _used, -entries);
}
