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
}
