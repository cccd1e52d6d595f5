using System.Text.Json;
using OrleansCache.BlockStore.Tiers;
using OrleansCache.Silo.Configuration;

namespace OrleansCache.Silo.Telemetry;

/// <summary>The silo's status as docs/CONTRACT.md has it. Thread-safe.</summary>
internal sealed class StatusReport(
    SiloSettings settings, Func<int> generation, long memoryBudgetBytes, TieredBlockStore store, SourceStatistics statistics,
    AttachedSources attached, StoreUsage usage)
{
    /// <summary>The JSON of now.</summary>
    public byte[] ToJson()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("silo", settings.Name);
            json.WriteNumber("generation", generation());
            WriteTiers(json);
            WriteSources(json);
            json.WriteStartObject("memory");
            json.WriteNumber("rss_bytes", Environment.WorkingSet);
            json.WriteNumber("budget_bytes", memoryBudgetBytes);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private void WriteTiers(Utf8JsonWriter json)
    {
        json.WriteStartArray("tiers");
        foreach (var disk in store.Disks)
        {
            WriteTier(json, disk);
        }

        json.WriteEndArray();
    }

    private static void WriteTier(Utf8JsonWriter json, DiskStatus disk)
    {
        var stats = disk.Stats;
        json.WriteStartObject();
        json.WriteString("path", disk.Directory);
        json.WriteString("medium", disk.Medium.ToString().ToLowerInvariant());
        json.WriteString("state", disk.State.ToString().ToLowerInvariant());
        json.WriteString("reason", disk.Reason);
        json.WriteNumber("capacity_bytes", disk.CapacityBytes);
        json.WriteNumber("used_bytes", stats?.UsedBytes ?? 0);
        json.WriteNumber("resident_bytes", stats?.ResidentBytes ?? 0);
        json.WriteNumber("unproven_bytes", stats?.UnprovenBytes ?? 0);
        json.WriteNumber("blocks", stats?.Blocks ?? 0);
        json.WriteNumber("corrupt_blocks", stats?.CorruptBlocks ?? 0);
        json.WriteNumber("verified_blocks", stats?.VerifiedBlocks ?? 0);
        json.WriteNumber("evicted_blocks", stats?.BlocksEvicted ?? 0);
        json.WriteNumber("scrubbed_bytes", disk.ScrubbedBytes);
        json.WriteBoolean("healthy", stats is { Healthy: true });
        json.WriteEndObject();
    }

    private void WriteSources(Utf8JsonWriter json)
    {
        var known = attached.Look().DistinctBy(source => source.Id).ToDictionary(source => source.Id);
        var cached = usage.BySource();
        var counted = statistics.All.ToDictionary(pair => pair.Key, pair => pair.Value);
        json.WriteStartArray("sources");
        foreach (var id in counted.Keys.Union(known.Keys))
        {
            var info = known.GetValueOrDefault(id);
            var counters = counted.GetValueOrDefault(id);
            json.WriteStartObject();
            json.WriteString("id", id.ToString());
            json.WriteString("path", info?.Path);
            json.WriteString("uri", info?.Uri);
            json.WriteNumber("hits", counters?.Hits ?? 0);
            json.WriteNumber("misses", counters?.Misses ?? 0);
            json.WriteNumber("bytes_from_cache", counters?.BytesFromCache ?? 0);
            json.WriteNumber("bytes_from_under_storage", counters?.BytesFromUnderStorage ?? 0);
            json.WriteNumber("under_storage_reads", counters?.UnderStorageReads ?? 0);
            json.WriteNumber("cached_bytes", cached.GetValueOrDefault(id));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
