namespace OrleansCache.BlockStore.Tiers;

/// <summary>
/// Numbers cache files. Whoever holds a lease knows its file by the number alone, so no two files of a process, on whatever
/// disk, and none of before its start, may have the same.
/// </summary>
internal sealed class GenerationCounter(TimeProvider time)
{
    private long _last = time.GetUtcNow().UtcTicks;

    public long Next() => Interlocked.Increment(ref _last);
}
