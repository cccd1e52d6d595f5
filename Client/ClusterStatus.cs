namespace OrleansCache;

/// <summary>How the cluster is doing.</summary>
/// <param name="Silos">Its silos, ordered by name, those that do not answer too.</param>
/// <param name="Sources">What is attached or was read, ordered by path; summed over the silos.</param>
public sealed record ClusterStatus(IReadOnlyList<SiloStatus> Silos, IReadOnlyList<SourceStatus> Sources);

/// <summary>One silo.</summary>
public sealed record SiloStatus
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Grows with every start.</summary>
    public required long Generation { get; init; }

    /// <summary>Why it did not answer; null when it did.</summary>
    public string? Error { get; init; }

    /// <summary>Its tiers.</summary>
    public IReadOnlyList<TierStatus> Tiers { get; init; } = [];

    /// <summary>Resident memory of its process.</summary>
    public long RssBytes { get; init; }

    /// <summary>What its memory may be.</summary>
    public long MemoryBudgetBytes { get; init; }
}

/// <summary>One tier of a silo.</summary>
/// <param name="Path">Its directory.</param>
/// <param name="CapacityBytes">What it may hold.</param>
/// <param name="UsedBytes">What it holds.</param>
public sealed record TierStatus(string Path, long CapacityBytes, long UsedBytes)
{
    /// <summary>memory, nvme, ssd or hdd.</summary>
    public string Medium { get; init; } = string.Empty;

    /// <summary>in, out or failed.</summary>
    public string State { get; init; } = string.Empty;

    /// <summary>Why it is not in.</summary>
    public string? Reason { get; init; }

    /// <summary>Blocks that are there.</summary>
    public long Blocks { get; init; }
}

/// <summary>One source, since its silos started.</summary>
public sealed record SourceStatus
{
    /// <summary>Sixteen hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>Where it is attached.</summary>
    public required string Path { get; init; }

    /// <summary>What is attached.</summary>
    public required string Uri { get; init; }

    /// <summary>Reads that needed nothing fetched.</summary>
    public long Hits { get; init; }

    /// <summary>Reads that did.</summary>
    public long Misses { get; init; }

    /// <summary>Bytes of hits.</summary>
    public long BytesFromCache { get; init; }

    /// <summary>Bytes read from the under storage.</summary>
    public long BytesFromUnderStorage { get; init; }

    /// <summary>Requests to the under storage.</summary>
    public long UnderStorageReads { get; init; }

    /// <summary>Bytes on the silos' tiers.</summary>
    public long CachedBytes { get; init; }

    /// <summary>Hits among reads; null before the first.</summary>
    public double? HitRatio => Hits + Misses == 0 ? null : (double)Hits / (Hits + Misses);
}
