using OrleansCache.Namespaces;

namespace OrleansCache.BlockStore;

/// <summary>How a store caches one source.</summary>
/// <param name="Eviction">Which of its data goes first.</param>
/// <param name="QuotaBytes">What it may hold, beside the fills in flight; 0 = no limit of its own.</param>
public readonly record struct SourceCaching(EvictionKind Eviction, long QuotaBytes);
