using System.Globalization;
using Xunit.Abstractions;

namespace OrleansCache.BlockStore.Tests.Faults;

/// <summary>
/// Many users of a store on a disk that fails, through many lives of it, against a model. No reader sees a wrong byte; what
/// was acknowledged is there in the next life unless it was evicted or dropped or a fault explains its loss; no call hangs
/// or throws what it does not promise; the space account holds; once the faults are over the store works, or says that it does not.
/// </summary>
public sealed class FaultModelTests(ITestOutputHelper output)
{
    private const string SeedVariable = "OCACHE_TEST_SEED";
    private const int StrikesMin = 3;

    private static int OperationsPerCase =>
        Environment.GetEnvironmentVariable("OCACHE_TEST_LONG") == "1" ? 333_334 : 6_700;

    [Theory]
    [InlineData(64, 6)] // Everything fits: nothing acknowledged may be missing.
    [InlineData(2, 6)] // A third fits: evictions all the time.
    [InlineData(2, 1)] // One user: a seed repeats its calls.
    public async Task A_failing_disk_costs_cached_blocks_and_never_a_byte(int capacityMiB, int workers)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable(SeedVariable), CultureInfo.InvariantCulture, out var given)
            ? given : Random.Shared.Next();
        output.WriteLine($"{SeedVariable}={seed}");
        var random = new Random(seed);
        var model = new FaultModel();
        var root = Directory.CreateTempSubdirectory("ocache-faults-").FullName;
        var boot = Guid.NewGuid();
        var strikes = 0;
        try
        {
            // Many lives end before their fault strikes: go on until some did, far beyond any bad luck.
            for (var done = 0; done < OperationsPerCase || (strikes < StrikesMin && done < 20 * OperationsPerCase);)
            {
                var operations = random.Next(100, 1000);
                var life = new FaultLife(model, root, (long)capacityMiB << 20, workers, random);
                output.WriteLine($"after {done} operations, {model.Known.Count} blocks known: {life.Name}");
                boot = await life.RunAsync(boot, operations);
                strikes += life.Strikes;
                done += operations;
            }
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }

        output.WriteLine($"{strikes} faults struck");
        Assert.True(strikes >= StrikesMin, $"only {strikes} faults: the test saw too little");
    }
}
