using OrleansCache.Bench.Policies;
using OrleansCache.Namespaces;

namespace OrleansCache.BlockStore.Tests;

/// <summary>Hit ratios of the policies; the simulator and a running store must tell the same.</summary>
public sealed class PolicySimulationTests
{
    private const int ItemBytes = 128 << 10; // Above the size at which objects are packed.
    private const int CacheItems = 256;
    private const long CapacityBytes = (long)CacheItems * ItemBytes;
    private static readonly EvictionKind[] Kinds = [EvictionKind.S3Fifo, EvictionKind.Lru, EvictionKind.Epoch];
    private readonly int _seed = Random.Shared.Next();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Epochs_over_twice_the_cache_hit_what_the_cache_can_hold(bool random)
    {
        var trace = Traces().Epochs(random, epochs: 4);
        Assert.True(PolicySimulator.HitRatio(trace, EvictionKind.Epoch, CapacityBytes) >= 0.45, $"seed {_seed}");
        Assert.True(await AssertAgreesAsync(trace, EvictionKind.Epoch) >= 0.45, $"seed {_seed}");
    }

    [Fact]
    public async Task The_default_is_near_the_best_where_some_data_is_popular()
    {
        foreach (var trace in (Trace[])
            [Traces().Zipf(0.8, 20_000), Traces().Zipf(1.0, 20_000), Traces().Zipf(1.2, 20_000), Traces().ZipfAndScan(20_000)])
        {
            var best = Kinds.Max(kind => PolicySimulator.HitRatio(trace, kind, CapacityBytes));
            var usual = PolicySimulator.HitRatio(trace, EvictionKind.S3Fifo, CapacityBytes);
            Assert.True(usual >= 0.97 * best, $"{trace.Name}: {usual:0.000} of {best:0.000}; seed {_seed}");
        }

        var mixed = Traces().ZipfAndScan(5_000);
        foreach (var kind in Kinds)
        {
            await AssertAgreesAsync(mixed, kind);
        }
    }

    [Fact]
    public void A_dataset_that_takes_the_place_of_another_gets_its_hits()
    {
        var ratio = PolicySimulator.HitRatio(Traces().Changing(epochsEach: 4), EvictionKind.Epoch, CapacityBytes);
        Assert.True(ratio >= 0.43, $"{ratio:0.000}; seed {_seed}");
    }

    [Fact]
    public void A_trace_is_read_as_it_was_written()
    {
        var path = Path.GetTempFileName();
        try
        {
            var trace = Traces().Zipf(1.0, 100);
            trace.Write(path);
            Assert.Equal(trace.Accesses, Trace.Read(path).Accesses);
            File.WriteAllText(path, "1 2\n");
            Assert.Contains("'1 2'", Assert.Throws<InvalidDataException>(() => Trace.Read(path)).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task What_a_store_is_asked_for_can_be_recorded_and_simulated()
    {
        var path = Path.GetTempFileName();
        try
        {
            var trace = Traces().ZipfAndScan(1_000);
            await using (var recording = new StreamWriter(path))
            {
                await AssertAgreesAsync(trace, EvictionKind.Lru, recording);
            }

            var recorded = Trace.Read(path) with { MeasureFrom = trace.MeasureFrom };
            // The same item twice in a row is one use when recorded.
            var once = trace.Accesses.Where((access, i) => i == 0 || access != trace.Accesses[i - 1]).Count();
            Assert.Equal(once, recorded.Accesses.Length);
            Assert.Equal(trace.Accesses.Distinct().Count(), recorded.Accesses.Distinct().Count());
        }
        finally
        {
            File.Delete(path);
        }
    }

    private SyntheticTraces Traces() => new(CacheItems, ItemBytes, _seed);

    private async Task<double> AssertAgreesAsync(Trace trace, EvictionKind kind, TextWriter? recordTo = null)
    {
        var simulated = PolicySimulator.HitRatio(trace, kind, CapacityBytes);
        var directory = Directory.CreateTempSubdirectory("ocache-replay-");
        try
        {
            var real = await StoreReplay.HitRatioAsync(trace, kind, CapacityBytes, directory.FullName, recordTo, CancellationToken.None);
            Assert.True(
                Math.Abs(simulated - real) <= 0.03, $"{trace.Name}, {kind}: simulator {simulated:0.000}, store {real:0.000}; seed {_seed}");
            return real;
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
