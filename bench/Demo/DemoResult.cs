using System.Text.Json.Serialization;

namespace OrleansCache.Demo;

/// <summary>What the demo found: the JSON object of its last line.</summary>
internal sealed record DemoResult
{
    [JsonPropertyName("files")] public required int Files { get; init; }

    [JsonPropertyName("bytes")] public required long Bytes { get; init; }

    [JsonPropertyName("cold_mib_s")] public required double ColdMiBPerSecond { get; init; }

    [JsonPropertyName("warm_mib_s")] public required double WarmMiBPerSecond { get; init; }

    [JsonPropertyName("native_mib_s")] public required double NativeMiBPerSecond { get; init; }

    [JsonPropertyName("warm_hit_ratio")] public required double WarmHitRatio { get; init; }

    [JsonPropertyName("warm_under_storage_reads")] public required long WarmUnderStorageReads { get; init; }

    [JsonPropertyName("mismatches")] public required int Mismatches { get; init; }

    /// <summary>Whether the kernel's caches were dropped before each pass (state B); without root they are not (state K).</summary>
    [JsonPropertyName("caches_dropped")] public required bool CachesDropped { get; init; }

    /// <summary>Requests of the cold pass, as the store's own log counts them; absent for a folder.</summary>
    [JsonPropertyName("cold_store_requests")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ColdStoreRequests { get; init; }

    /// <summary>Those of them that asked for bytes of objects.</summary>
    [JsonPropertyName("cold_store_reads")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ColdStoreReads { get; init; }

    /// <summary>Those that asked for the attributes of one object.</summary>
    [JsonPropertyName("cold_store_heads")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ColdStoreHeads { get; init; }

    /// <summary>Those that asked for a page of a listing.</summary>
    [JsonPropertyName("cold_store_lists")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ColdStoreLists { get; init; }

    /// <summary>Bytes of objects the store sent in the cold pass: each once, so no more than there are.</summary>
    [JsonPropertyName("cold_store_bytes")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? ColdStoreBytes { get; init; }

    /// <summary>Requests of the warm pass, as the store's own log counts them.</summary>
    [JsonPropertyName("warm_store_requests")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? WarmStoreRequests { get; init; }

    /// <summary>Whether the cache did what it promises.</summary>
    [JsonIgnore]
    public bool IsGood => Mismatches == 0 && WarmUnderStorageReads == 0 && (WarmStoreRequests ?? 0) == 0;
}
