namespace OrleansCache.BlockStore.Eviction;

/// <summary>
/// The tier's account of bytes. A fill reserves before it writes, so the sum never passes the limit; bytes return only
/// when they are punched or their last holder has closed the file. The limit is the capacity, or less when others fill the disk.
/// </summary>
internal sealed class TierSpace(long capacityBytes)
{
    private long _used;
    private long _limit = capacityBytes;
    private long _leaving;

    public long CapacityBytes { get; } = capacityBytes;

    public long UsedBytes => Volatile.Read(ref _used);

    public long LimitBytes => Volatile.Read(ref _limit);

    /// <summary>Part of <see cref="UsedBytes"/> that will return without further decisions.</summary>
    public long LeavingBytes => Volatile.Read(ref _leaving);

    public bool TryReserve(long bytes)
    {
        while (true)
        {
            var used = UsedBytes;
            if (used + bytes > LimitBytes)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _used, used + bytes, used) == used)
            {
                return true;
            }
        }
    }

    /// <summary>Counts what a restart found, even above the limit: eviction brings it down.</summary>
    public void Take(long bytes) => Interlocked.Add(ref _used, bytes);

    public void Release(long bytes) => Interlocked.Add(ref _used, -bytes);

    public void Leave(long bytes) => Interlocked.Add(ref _leaving, bytes);

    public void Left(long bytes)
    {
        Interlocked.Add(ref _leaving, -bytes);
        Release(bytes);
    }

    /// <summary>Lowers the limit to what the disk can hold beside its floor, or raises it back up to the capacity.</summary>
    public void SetDiskRoom(long freeBytes, long floorBytes) =>
        Volatile.Write(ref _limit, Math.Clamp(UsedBytes + freeBytes - floorBytes, 0, CapacityBytes));
}
