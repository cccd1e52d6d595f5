using System.Collections.Concurrent;
using OrleansCache.Files;

namespace OrleansCache.Silo.Telemetry;

/// <summary>
/// What was read of each source since the process started (docs/CONTRACT.md says what a hit is). Sources come only from
/// sealed capabilities, so there are as many as somebody attached. Thread-safe, lock-free.
/// </summary>
internal sealed class SourceStatistics
{
    private readonly ConcurrentDictionary<SourceId, SourceCounters> _sources = new();

    /// <summary>The counters of a source.</summary>
    public SourceCounters Of(SourceId source) => _sources.GetOrAdd(source, static _ => new SourceCounters());

    /// <summary>All sources seen so far.</summary>
    public IEnumerable<KeyValuePair<SourceId, SourceCounters>> All => _sources;
}

/// <summary>Counters of one source.</summary>
internal sealed class SourceCounters
{
    private long _hits;
    private long _misses;
    private long _bytesFromCache;
    private long _bytesFromUnderStorage;
    private long _underStorageReads;

    public long Hits => Interlocked.Read(ref _hits);

    public long Misses => Interlocked.Read(ref _misses);

    public long BytesFromCache => Interlocked.Read(ref _bytesFromCache);

    public long BytesFromUnderStorage => Interlocked.Read(ref _bytesFromUnderStorage);

    public long UnderStorageReads => Interlocked.Read(ref _underStorageReads);

    public void AddHits(long reads, long bytes)
    {
        Interlocked.Add(ref _hits, reads);
        Interlocked.Add(ref _bytesFromCache, bytes);
    }

    public void AddMiss() => Interlocked.Increment(ref _misses);

    public void AddUnderStorageRead() => Interlocked.Increment(ref _underStorageReads);

    public void AddUnderStorageBytes(long bytes) => Interlocked.Add(ref _bytesFromUnderStorage, bytes);
}
