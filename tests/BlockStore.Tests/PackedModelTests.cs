using FsCheck;
using FsCheck.Fluent;
using Xunit.Abstractions;

namespace OrleansCache.BlockStore.Tests;

/// <summary>
/// Random histories of small files against a model: what the store shows was acknowledged and not dropped since, with the
/// right bytes, through every reopening, kill and restart of the machine; where everything fits, nothing is missing.
/// </summary>
public sealed class PackedModelTests(ITestOutputHelper output)
{
    private const int Files = 300;

    // Fills under way cannot be evicted, nor can what else lies in their segments be compacted: 100 of them, of up to 120 KB,
    // can take the small tier for themselves, and then Full is right. See PackedEvictionTests.
    private static readonly ParallelOptions AFew = new() { MaxDegreeOfParallelism = 8 };

    public enum Kind
    {
        Fill,
        FillMany,
        Abort,
        Read,
        Drop,
        DropMany,
        Verify,
        Sync,
        Reopen,
        Kill,
        Reboot,
    }

    [Theory]
    [InlineData(64)] // Everything fits.
    [InlineData(16)] // Less than a half of all: evictions and compaction.
    public void Random_histories_agree_with_the_model(int capacityMiB)
    {
        var seed = (ulong)Random.Shared.NextInt64();
        output.WriteLine($"seed {seed}");
        var kinds = Gen.Frequency(
            (10, Gen.Constant(Kind.Fill)),
            (12, Gen.Constant(Kind.FillMany)),
            (3, Gen.Constant(Kind.Abort)),
            (10, Gen.Constant(Kind.Read)),
            (4, Gen.Constant(Kind.Drop)),
            (4, Gen.Constant(Kind.DropMany)),
            (2, Gen.Constant(Kind.Verify)),
            (1, Gen.Constant(Kind.Sync)),
            (1, Gen.Constant(Kind.Reopen)),
            (1, Gen.Constant(Kind.Kill)),
            (1, Gen.Constant(Kind.Reboot)));
        var step = from kind in kinds from file in Gen.Choose(0, Files - 1) select (kind, file);
        var property = Prop.ForAll(
            step.ListOf(30).ToArbitrary(),
            steps => RunAsync([.. steps], capacityMiB).GetAwaiter().GetResult());
        property.Check(Config.QuickThrowOnFailure.WithMaxTest(3).WithReplay(seed, 1));
    }

    private static async Task RunAsync(List<(Kind Kind, int File)> steps, int capacityMiB)
    {
        // Objects of up to 120 KB, so that few of them fill a tier.
        var tier = new TestTier((long)capacityMiB << 20) { PackedMaxBytes = 120_000, EvictionWaitMax = TestTier.Limit };
        var acknowledged = new HashSet<int>();
        try
        {
            await tier.OpenAsync();
            foreach (var (kind, file) in steps)
            {
                tier = await StepAsync(tier, acknowledged, kind, file);
                await CheckAsync(tier, acknowledged, everythingFits: capacityMiB > 32, kind);
            }
        }
        finally
        {
            await tier.DisposeAsync();
        }
    }

    private static async Task<TestTier> StepAsync(TestTier tier, HashSet<int> acknowledged, Kind kind, int file)
    {
        switch (kind)
        {
            case Kind.Fill:
                await FillAsync(tier, acknowledged, file);
                break;
            case Kind.FillMany:
                await Parallel.ForEachAsync(Every(3, file), AFew, async (one, _) => await FillAsync(tier, acknowledged, one));
                break;
            case Kind.Abort:
                var attempt = await tier.Store.BeginFillAsync(TestTier.Request(file, LengthOf(file), 0), CancellationToken.None);
                if (attempt.Fill is { } fill)
                {
                    acknowledged.Remove(file); // It was evicted, or there would be no fill.
                    Assert.True(fill.Write(0, new byte[1000]));
                    fill.Abort(FillFailure.SourceFailed);
                }

                break;
            case Kind.Read:
                tier.Read(file, 0, LengthOf(file));
                break;
            case Kind.Drop:
                await DropAsync(tier, acknowledged, file);
                break;
            case Kind.DropMany:
                await Parallel.ForEachAsync(Every(2, file), AFew, async (one, _) => await DropAsync(tier, acknowledged, one));
                break;
            case Kind.Verify:
                Assert.Equal(0, (await tier.Store.VerifyAsync(TestTier.Key(file), CancellationToken.None)).BlocksCorrupt);
                break;
            case Kind.Sync:
                await tier.Store.SyncAsync(CancellationToken.None);
                break;
            case Kind.Reopen:
                await tier.OpenAsync();
                break;
            default:
                var copy = await tier.CopyAsKilledAsync();
                await tier.DisposeAsync();
                copy.Boot = kind == Kind.Reboot ? Guid.NewGuid() : copy.Boot;
                await copy.OpenAsync();
                return copy;
        }

        return tier;
    }

    private static async Task FillAsync(TestTier tier, HashSet<int> acknowledged, int file)
    {
        var status = await tier.FillAsync(file, LengthOf(file), 0);
        lock (acknowledged)
        {
            Assert.True(status == FillStatus.Started || (status == FillStatus.Resident && acknowledged.Contains(file)), $"{status}");
            acknowledged.Add(file);
        }
    }

    private static async Task DropAsync(TestTier tier, HashSet<int> acknowledged, int file)
    {
        await tier.Store.DropAsync(TestTier.Key(file), CancellationToken.None).AsTask().WaitAsync(TestTier.Limit);
        lock (acknowledged)
        {
            acknowledged.Remove(file);
        }
    }

    private static async Task CheckAsync(TestTier tier, HashSet<int> acknowledged, bool everythingFits, Kind after)
    {
        Assert.InRange(tier.Store.GetStats().UsedBytes, 0, tier.CapacityBytes);
        Assert.True(tier.Store.GetStats().CorruptBlocks == 0, $"after {after}: {tier.Store.GetStats()}");
        for (var file = 0; file < Files; file++)
        {
            var status = tier.Read(file, 0, LengthOf(file));
            if (status == PinStatus.Unproven)
            {
                Assert.True(await tier.Store.EnsureVerifiedAsync(TestTier.Key(file), 0, LengthOf(file), CancellationToken.None));
            }

            Assert.True(status == PinStatus.Missing || acknowledged.Contains(file), $"{file} was never acknowledged, or was dropped");
            Assert.True(status != PinStatus.Missing || !everythingFits || !acknowledged.Contains(file), $"{file} is gone");
        }
    }

    private static IEnumerable<int> Every(int step, int from) =>
        Enumerable.Range(0, Files / step).Select(i => (from + (i * step)) % Files);

    private static int LengthOf(int file) => 20_000 + (file * 9973 % 100_000);
}
