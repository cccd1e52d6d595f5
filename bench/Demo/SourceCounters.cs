using System.Text.Json;
using OrleansCache.LocalCluster;

namespace OrleansCache.Demo;

/// <summary>Counters of one source, as <c>ocache status --json</c> tells them.</summary>
/// <param name="Hits">Reads answered from the cache.</param>
/// <param name="Misses">Reads that had to wait for the under storage.</param>
/// <param name="UnderStorageReads">Reads of the under storage.</param>
internal readonly record struct SourceCounters(long Hits, long Misses, long UnderStorageReads)
{
    /// <summary>Asks the running silo.</summary>
    public static async Task<SourceCounters> ReadAsync(LocalSilo silo, string path, CancellationToken cancellationToken)
    {
        var answer = await Command.OcacheAsync(silo, ["status", "--json"], cancellationToken: cancellationToken).ConfigureAwait(false);
        using var status = JsonDocument.Parse(answer.Checked("ocache status").Output);
        var source = status.RootElement.GetProperty("sources").EnumerateArray()
            .Single(one => one.GetProperty("path").GetString() == path);
        return new SourceCounters(
            source.GetProperty("hits").GetInt64(),
            source.GetProperty("misses").GetInt64(),
            source.GetProperty("under_storage_reads").GetInt64());
    }

    /// <summary>What was counted since an earlier look.</summary>
    public SourceCounters Since(SourceCounters earlier) =>
        new(Hits - earlier.Hits, Misses - earlier.Misses, UnderStorageReads - earlier.UnderStorageReads);
}
