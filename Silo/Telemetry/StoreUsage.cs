using OrleansCache.BlockStore;
using OrleansCache.Files;

namespace OrleansCache.Silo.Telemetry;

/// <summary>
/// Cached bytes of each source. Summed over all files of the store, so at most every few seconds. Thread-safe.
/// </summary>
internal sealed class StoreUsage(IBlockStore store, TimeProvider time)
{
    private static readonly TimeSpan GoodFor = TimeSpan.FromSeconds(2);
    private readonly Lock _gate = new();
    private Dictionary<SourceId, long> _bytes = [];
    private long? _countedAt;

    /// <summary>Bytes by source.</summary>
    public IReadOnlyDictionary<SourceId, long> BySource()
    {
        lock (_gate)
        {
            if (_countedAt is { } at && time.GetElapsedTime(at) < GoodFor)
            {
                return _bytes;
            }

            var bytes = new Dictionary<SourceId, long>();
            foreach (var file in store.EnumerateFiles())
            {
                bytes[file.Source] = bytes.GetValueOrDefault(file.Source) + file.ResidentBytes;
            }

            _countedAt = time.GetTimestamp();
            return _bytes = bytes;
        }
    }
}
