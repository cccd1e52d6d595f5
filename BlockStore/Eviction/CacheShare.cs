using OrleansCache.Namespaces;

namespace OrleansCache.BlockStore.Eviction;

/// <summary>The items that one policy orders: of one source, or of all sources that ask for nothing of their own.</summary>
internal sealed class CacheShare(EvictionKind kind, IEvictionPolicy policy)
{
    private long _usedBytes;

    public EvictionKind Kind { get; } = kind;

    public IEvictionPolicy Policy { get; } = policy;

    /// <summary>0 = no limit of its own.</summary>
    public long QuotaBytes { get; set; }

    /// <summary>Bytes of its items, also of picked ones.</summary>
    public long HeldBytes { get; set; }

    public bool IsOverQuota => QuotaBytes > 0 && HeldBytes > QuotaBytes;

    /// <summary>Used bytes per held byte, old uses counting less: what a byte here is worth.</summary>
    public double Worth => (double)Volatile.Read(ref _usedBytes) / Math.Max(1, HeldBytes);

    public void Used(long bytes) => Interlocked.Add(ref _usedBytes, bytes);

    public void Age() => Interlocked.Exchange(ref _usedBytes, Volatile.Read(ref _usedBytes) / 2);

    public static IEvictionPolicy NewPolicy(EvictionKind kind, ItemTable table) => kind switch
    {
        EvictionKind.Lru => new LruPolicy(table),
        EvictionKind.Epoch => new EpochPolicy(table),
        _ => new S3FifoPolicy(table),
    };
}
