using OrleansCache.BlockStore;
using OrleansCache.BlockStore.Tiers;
using OrleansCache.Silo.Filling;
using OrleansCache.Silo.Serving;

namespace OrleansCache.Silo.Telemetry;

/// <summary>What <c>/metrics</c> shows: names are a contract (docs/METRICS.md), none is ever used for something else. Thread-safe.</summary>
internal sealed class MetricsPage(
    TieredBlockStore store, SourceStatistics statistics, FillPipeline pipeline, GrantCache grants, CapabilityTable capabilities,
    AttachedSources attached, MeterText others, long memoryBudgetBytes)
{
    /// <summary>The page of now.</summary>
    public string Render()
    {
        var text = new PrometheusText();
        WriteSources(text);
        DiskStatus[] disks = [.. store.Disks];
        WriteTiers(text, disks);
        WriteOperations(text, disks);
        WriteFills(text);
        text.Gauge("ocache_memory_rss_bytes", "Resident memory of the process.")
            .Value("ocache_memory_rss_bytes", Environment.WorkingSet)
            .Gauge("ocache_memory_budget_bytes", "Memory the process may use.")
            .Value("ocache_memory_budget_bytes", memoryBudgetBytes)
            .Gauge("ocache_heap_bytes", "Managed heap.")
            .Value("ocache_heap_bytes", GC.GetTotalMemory(forceFullCollection: false))
            .Gauge("ocache_heap_limit_bytes", "Hard limit of the managed heap.")
            .Value("ocache_heap_limit_bytes", GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)
            .Gauge("ocache_capabilities", "Read capabilities known.")
            .Value("ocache_capabilities", capabilities.Count);
        others.WriteTo(text);
        return text.ToString();
    }

    private void WriteSources(PrometheusText text)
    {
        var paths = attached.Look().DistinctBy(source => source.Id).ToDictionary(source => source.Id, source => source.Path);
        void Family(string name, string help, Func<SourceCounters, long> value)
        {
            text.Counter(name, help);
            foreach (var (id, counters) in statistics.All)
            {
                text.Value(name, value(counters), ("source", id.ToString()), ("path", paths.GetValueOrDefault(id, "")));
            }
        }

        Family("ocache_source_hits_total", "Reads that needed nothing fetched.", counters => counters.Hits);
        Family("ocache_source_misses_total", "Reads that had something fetched.", counters => counters.Misses);
        Family("ocache_source_bytes_from_cache_total", "Bytes of hits.", counters => counters.BytesFromCache);
        Family("ocache_source_bytes_from_under_storage_total", "Bytes read from the under storage.",
            counters => counters.BytesFromUnderStorage);
        Family("ocache_source_under_storage_reads_total", "Read requests to the under storage.",
            counters => counters.UnderStorageReads);
    }

    private static void WriteTiers(PrometheusText text, DiskStatus[] disks)
    {
        void Family(string name, Func<DiskStatus, double?> value)
        {
            foreach (var disk in disks)
            {
                if (value(disk) is { } known)
                {
                    text.Value(name, known, ("path", disk.Directory));
                }
            }
        }

        void Gauge(string name, string help, Func<BlockStoreStats, double> value)
        {
            text.Gauge(name, help);
            Family(name, disk => disk.Stats is { } stats ? value(stats) : null);
        }

        void Counter(string name, string help, Func<BlockStoreStats, double> value)
        {
            text.Counter(name, help);
            Family(name, disk => disk.Stats is { } stats ? value(stats) : null);
        }

        text.Gauge("ocache_tier_in_service", "1 while the tier is used, 0 when it was taken out or failed.");
        Family("ocache_tier_in_service", disk => disk.State == DiskState.In ? 1 : 0);
        text.Gauge("ocache_tier_capacity_bytes", "Bytes the tier may hold.");
        Family("ocache_tier_capacity_bytes", disk => disk.CapacityBytes);
        text.Gauge("ocache_tier_healthy", "1 while the tier takes fills.");
        Family("ocache_tier_healthy", disk => disk.Stats is { Healthy: true } ? 1 : 0);
        text.Counter("ocache_tier_scrubbed_bytes_total", "Bytes read in the background to find bad blocks.");
        Family("ocache_tier_scrubbed_bytes_total", disk => disk.ScrubbedBytes);
        Gauge("ocache_tier_used_bytes", "Bytes taken.", stats => stats.UsedBytes);
        Gauge("ocache_tier_resident_bytes", "Bytes of blocks that are there.", stats => stats.ResidentBytes);
        Gauge("ocache_tier_unproven_bytes", "Bytes to be verified before they are served.", stats => stats.UnprovenBytes);
        Gauge("ocache_tier_unlinked_open_bytes", "Bytes of evicted files somebody still reads.", stats => stats.UnlinkedOpenBytes);
        Gauge("ocache_tier_blocks", "Blocks that are there.", stats => stats.Blocks);
        Gauge("ocache_tier_files", "File versions known.", stats => stats.Files);
        Gauge("ocache_tier_open_files", "Cache files open.", stats => stats.OpenFiles);
        Gauge("ocache_tier_journal_bytes", "Journal to replay at a restart.", stats => stats.JournalBytes);
        Gauge("ocache_tier_packed_objects", "Small files packed in log segments.", stats => stats.PackedObjects);
        Gauge("ocache_tier_packed_bytes", "Bytes of them.", stats => stats.PackedBytes);
        Gauge("ocache_tier_packed_segments", "Log segments.", stats => stats.PackedSegments);
        Gauge("ocache_tier_packed_segment_bytes", "Bytes they take, dead ones included.", stats => stats.PackedSegmentBytes);
        Gauge("ocache_tier_packed_index_bytes", "Memory of the index of packed files.", stats => stats.PackedIndexBytes);
        Counter("ocache_tier_packed_moved_bytes_total", "Bytes that compaction moved.", stats => stats.PackedMovedBytes);
        Counter("ocache_tier_fills_completed_total", "Fills that ended with a block.", stats => stats.FillsCompleted);
        Counter("ocache_tier_fills_aborted_total", "Fills that ended without one.", stats => stats.FillsAborted);
        Counter("ocache_tier_fills_refused_full_total", "Fills that found the tier full.", stats => stats.FillsRefusedFull);
        Counter("ocache_tier_pins_total", "Ranges pinned to be sent.", stats => stats.PinHits);
        Counter("ocache_tier_leases_total", "Residency leases given.", stats => stats.Leases);
        Counter("ocache_tier_evicted_blocks_total", "Blocks evicted.", stats => stats.BlocksEvicted);
        Counter("ocache_tier_corrupt_blocks_total", "Blocks that did not match their checksums.", stats => stats.CorruptBlocks);
        Counter("ocache_tier_verified_blocks_total", "Blocks that did.", stats => stats.VerifiedBlocks);
    }

    private static void WriteOperations(PrometheusText text, DiskStatus[] disks)
    {
        var operations = disks.SelectMany(disk => disk.Stats?.DiskOperations ?? [], (disk, one) => (disk.Directory, One: one)).ToList();
        text.Histogram(
            "ocache_disk_operation_seconds",
            "Calls of the store to its disk; cached bytes are read past it by the data plane and by leases, so reads are verification and restart.");
        foreach (var (path, one) in operations)
        {
            text.Buckets(
                "ocache_disk_operation_seconds", one.BoundsSeconds, one.Counts, one.SumSeconds, ("path", path), ("operation", one.Operation));
        }

        text.Gauge("ocache_disk_operations_in_flight", "Of those, under way now.");
        foreach (var (path, one) in operations)
        {
            text.Value("ocache_disk_operations_in_flight", one.InFlight, ("path", path), ("operation", one.Operation));
        }
    }

    private void WriteFills(PrometheusText text)
    {
        void Gauge(string name, string help, double value) => text.Gauge(name, help).Value(name, value);
        void Counter(string name, string help, double value) => text.Counter(name, help).Value(name, value);

        Gauge("ocache_fill_flights", "Blocks on their way from the under storage.", pipeline.Flights);
        Gauge("ocache_fill_queued_prefetches", "Prefetches that wait.", pipeline.QueuedPrefetches);
        Counter("ocache_fill_failed_total", "Fills that failed.", pipeline.FailedFills);
        Counter("ocache_fill_refused_prefetches_total", "Prefetches dropped because of a full queue.", pipeline.RefusedPrefetches);
        Counter("ocache_fill_refused_demands_total",
            "Demands that went past the store: it was full, or too much was on its way.", pipeline.RefusedDemands);
        Counter("ocache_fill_read_throughs_total", "Reads that were not cached.", pipeline.ReadThroughs);
        Counter("ocache_demoted_bytes_total", "Bytes copied to slower tiers when faster ones evicted them.", store.DemotedBytes);
        Counter("ocache_promoted_bytes_total", "Bytes copied to faster tiers because they were used again.", store.PromotedBytes);
        Counter("ocache_fill_grant_calls_total", "Grain calls for the right to fill.", grants.Calls);
        Counter("ocache_fill_grants_unanswered_total", "Of those, without an answer.", grants.Unanswered);
    }
}
