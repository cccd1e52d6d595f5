using System.Globalization;
using OrleansCache.LocalCluster;
using OrleansCache.Namespaces;
using Spectre.Console;

namespace OrleansCache.Bench.Policies;

/// <summary>Hit ratios of the eviction policies over traces, by the simulator and by a real store. Says nothing about speed.</summary>
internal static class PoliciesBench
{
    private const int ItemBytes = 128 << 10; // Above the size at which objects are packed: a file each.
    private const int CacheItems = 512;
    private const int Seed = 20261122;
    private static readonly EvictionKind[] Kinds = [EvictionKind.S3Fifo, EvictionKind.Lru, EvictionKind.Epoch];

    /// <summary>Prints a table; with files, of recorded traces, for a cache a tenth of what they use.</summary>
    internal static async Task<int> RunAsync(bool withStore, string? recordTo, string[] recorded, CancellationToken cancellationToken)
    {
        List<(Trace Trace, long CapacityBytes)> cases = recorded.Length > 0
            ? [.. recorded.Select(Trace.Read).Select(trace => (trace, Math.Max(1 << 20, DistinctBytes(trace) / 10)))]
            : [.. Synthetic().Select(trace => (trace, (long)CacheItems * ItemBytes))];
        if (recordTo is not null)
        {
            Directory.CreateDirectory(recordTo);
            cases.ForEach(one => one.Trace.Write(Path.Combine(recordTo, $"{one.Trace.Name.Replace(' ', '-')}.trace")));
        }

        var table = new Table { Title = new TableTitle("hit ratio: simulator" + (withStore ? " / store" : "")) };
        table.AddColumns(["trace", .. Kinds.Select(kind => kind.ToString().ToLowerInvariant())]);
        foreach (var (trace, capacityBytes) in cases)
        {
            var cells = new List<string> { trace.Name };
            foreach (var kind in Kinds)
            {
                var text = PolicySimulator.HitRatio(trace, kind, capacityBytes).ToString("0.000", CultureInfo.InvariantCulture);
                if (withStore)
                {
                    using var scratch = new ScratchFolder();
                    var ratio = await StoreReplay.HitRatioAsync(trace, kind, capacityBytes, scratch.Folder("tier"), null, cancellationToken)
                        .ConfigureAwait(false);
                    text += ratio.ToString(" / 0.000", CultureInfo.InvariantCulture);
                }

                cells.Add(text);
            }

            table.AddRow([.. cells]);
        }

        AnsiConsole.Write(table);
        return 0;
    }

    private static IEnumerable<Trace> Synthetic()
    {
        var traces = new SyntheticTraces(CacheItems, ItemBytes, Seed);
        yield return traces.Epochs(random: true, epochs: 5);
        yield return traces.Epochs(random: false, epochs: 5);
        foreach (var skew in (double[])[0.8, 1.0, 1.2])
        {
            yield return traces.Zipf(skew, 20_000);
        }

        yield return traces.ZipfAndScan(20_000);
        yield return traces.Changing(epochsEach: 4);
    }

    private static long DistinctBytes(Trace trace) => trace.Accesses.Distinct().Sum(access => (long)access.Bytes);
}
