using OrleansCache.Namespaces;

namespace OrleansCache.BlockStore.Eviction;

/// <summary>The items that one policy orders: of one source, or of all sources that ask for nothing of their own.</summary>
internal sealed class CacheShare(EvictionKind kind, IEvictionPolicy policy)
{
    private const double QuotaDownToShare = 0.98; // A batch, so that one journal commit serves several fills.

    private long _usedBytes;

    public EvictionKind Kind { get; } = kind;

    public IEvictionPolicy Policy { get; } = policy;

    /// <summary>0 = no limit of its own.</summary>
    public long QuotaBytes { get; set; }

    /// <summary>Bytes of its items, also of picked ones.</summary>
    public long HeldBytes { get; set; }

    public bool IsOverQuota => QuotaBytes > 0 && HeldBytes > QuotaBytes;

    /// <summary>What must go for it to be within its quota again.</summary>
    public long OverQuotaBytes => IsOverQuota ? HeldBytes - (long)(QuotaBytes * QuotaDownToShare) : 0;

    /// <summary>What may still be picked of it in this round: none of its items is looked at twice.</summary>
    public long RoundBytes { get; set; } = long.MaxValue;

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
