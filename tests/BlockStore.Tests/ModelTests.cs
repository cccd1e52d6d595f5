using FsCheck;
using FsCheck.Fluent;
using Xunit.Abstractions;

namespace OrleansCache.BlockStore.Tests;

/// <summary>
/// Random histories against a model. The model knows which blocks were ever acknowledged and not dropped since; the store
/// may have evicted some of them, but what it shows must be among them, with the right bytes, through every reopening.
/// </summary>
public sealed class ModelTests(ITestOutputHelper output)
{
    private const int Files = 6;
    private const int BlocksPerFile = 5;
    private const long Length = (BlocksPerFile * 262_144L) - 12_345;

    public enum Kind
    {
        Fill,
        AbortFill,
        Read,
        Lease,
        EndLease,
        Drop,
        Verify,
        Sync,
        Reopen,
        Kill,
        Reboot,
        RebootWithDamage,
    }

    [Theory]
    [InlineData(64)] // Everything fits: nothing acknowledged may be missing.
    [InlineData(2)] // A quarter fits: evictions all the time.
    public void Random_histories_agree_with_the_model(int capacityMiB)
    {
        var seed = (ulong)Random.Shared.NextInt64();
        output.WriteLine($"seed {seed}");
        var kinds = Gen.Frequency(
            (20, Gen.Constant(Kind.Fill)),
            (3, Gen.Constant(Kind.AbortFill)),
            (12, Gen.Constant(Kind.Read)),
            (3, Gen.Constant(Kind.Lease)),
            (3, Gen.Constant(Kind.EndLease)),
            (2, Gen.Constant(Kind.Drop)),
            (2, Gen.Constant(Kind.Verify)),
            (1, Gen.Constant(Kind.Sync)),
            (1, Gen.Constant(Kind.Reopen)),
            (1, Gen.Constant(Kind.Kill)),
            (1, Gen.Constant(Kind.Reboot)),
            (1, Gen.Constant(Kind.RebootWithDamage)));
        var step =
            from kind in kinds
            from file in Gen.Choose(0, Files - 1)
            from block in Gen.Choose(0, BlocksPerFile - 1)
            select (kind, file, block);
        var property = Prop.ForAll(
            step.ListOf(50).ToArbitrary(),
            steps => RunAsync([.. steps], capacityMiB).GetAwaiter().GetResult());
        property.Check(Config.QuickThrowOnFailure.WithMaxTest(6).WithReplay(seed, 1));
    }

    private static async Task RunAsync(List<(Kind Kind, int File, int Block)> steps, int capacityMiB)
    {
        var tier = new TestTier((long)capacityMiB << 20);
        var model = new Model(tier, everythingFits: capacityMiB > 8);
        try
        {
            await tier.OpenAsync();
            foreach (var (kind, file, block) in steps)
            {
                tier = await model.StepAsync(kind, file, block);
                model.Check();
            }
        }
        finally
        {
            model.EndLeases();
            await tier.DisposeAsync();
        }
    }

    private sealed class Model(TestTier tier, bool everythingFits)
    {
        private readonly HashSet<(int File, int Block)> _acknowledged = [];
        private readonly HashSet<(int File, int Block)> _unsynced = [];
        private readonly Dictionary<int, ResidencyLease> _leases = [];
        private TestTier _tier = tier;

        public async Task<TestTier> StepAsync(Kind kind, int file, int block)
        {
            switch (kind)
            {
                case Kind.Fill:
                    await FillAsync(file, block);
                    break;
                case Kind.AbortFill:
                    await AbortAsync(file, block);
                    break;
                case Kind.Read:
                    Read(file, block);
                    break;
                case Kind.Lease:
                    Lease(file);
                    break;
                case Kind.EndLease when _leases.Remove(file, out var lease):
                    lease.Dispose();
                    break;
                case Kind.Drop:
                    await _tier.Store.DropAsync(TestTier.Key(file), CancellationToken.None).AsTask().WaitAsync(TestTier.Limit);
                    _acknowledged.RemoveWhere(known => known.File == file);
                    break;
                case Kind.Verify:
                    Assert.Equal(0, (await _tier.Store.VerifyAsync(TestTier.Key(file), CancellationToken.None)).BlocksCorrupt);
                    break;
                case Kind.Sync:
                    await _tier.Store.SyncAsync(CancellationToken.None);
                    _unsynced.Clear();
                    break;
                case Kind.Reopen:
                    await _tier.OpenAsync();
                    _unsynced.Clear();
                    break;
                case Kind.Kill:
                    await ReopenCopyAsync(reboot: false, damage: false);
                    break;
                case Kind.Reboot:
                    await ReopenCopyAsync(reboot: true, damage: false);
                    break;
                case Kind.RebootWithDamage:
                    await ReopenCopyAsync(reboot: true, damage: true);
                    break;
                default:
                    break;
            }

            return _tier;
        }

        public void Check()
        {
            var stats = _tier.Store.GetStats();
            Assert.InRange(stats.UsedBytes, 0, _tier.CapacityBytes);
            for (var file = 0; file < Files; file++)
            {
                var residency = _tier.Store.GetResidency(TestTier.Key(file));
                for (var block = 0; block < BlocksPerFile; block++)
                {
                    var known = _acknowledged.Contains((file, block));
                    Assert.True(known || !residency.Has(block), $"block {block} of {file} was never acknowledged");
                    if (everythingFits && known && residency.UnprovenBlocks == 0)
                    {
                        Assert.True(residency.Has(block), $"block {block} of {file} is gone");
                    }
                }
            }
        }

        public void EndLeases()
        {
            foreach (var lease in _leases.Values)
            {
                lease.Dispose();
            }

            _leases.Clear();
        }

        private async Task FillAsync(int file, int block)
        {
            var status = await _tier.FillAsync(file, Length, block);
            if (status == FillStatus.Started)
            {
                _unsynced.Add((file, block));
            }

            Assert.True(status is FillStatus.Started or FillStatus.Resident || (status == FillStatus.Full && _leases.Count > 0), $"{status}");
            Assert.True(status != FillStatus.Resident || _acknowledged.Contains((file, block)));
            if (status == FillStatus.Started)
            {
                _acknowledged.Add((file, block));
            }
        }

        private async Task AbortAsync(int file, int block)
        {
            var attempt = await _tier.Store.BeginFillAsync(TestTier.Request(file, Length, block), CancellationToken.None);
            if (attempt.Fill is { } fill)
            {
                _acknowledged.Remove((file, block)); // It was evicted, or there would be no fill.
                Assert.True(fill.Write(0, new byte[1234]));
                fill.Abort(FillFailure.SourceFailed);
            }
        }

        private void Read(int file, int block)
        {
            var offset = TestTier.Layout.StartOf(block);
            if (_tier.Read(file, offset, TestTier.Layout.LengthOf(block, Length)) == PinStatus.Pinned)
            {
                Assert.Contains((file, block), _acknowledged);
            }
        }

        private void Lease(int file)
        {
            if (!_leases.ContainsKey(file) && _tier.Store.TryLease(TestTier.Key(file), out var lease) == LeaseStatus.Leased)
            {
                _leases.Add(file, lease!);
            }
        }

        private async Task ReopenCopyAsync(bool reboot, bool damage)
        {
            EndLeases();
            var copy = await _tier.CopyAsKilledAsync();
            await _tier.DisposeAsync();
            _tier = copy;
            if (reboot)
            {
                copy.Boot = Guid.NewGuid();
            }

            if (damage)
            {
                foreach (var (file, block) in _unsynced)
                {
                    Damage(copy.PathOf(file), TestTier.Layout.StartOf(block) + 1000);
                }
            }

            await copy.OpenAsync();
            if (damage)
            {
                await ExpectDamageAsync();
            }
        }

        private async Task ExpectDamageAsync()
        {
            foreach (var (file, block) in _unsynced)
            {
                var offset = TestTier.Layout.StartOf(block);
                Assert.NotEqual(PinStatus.Pinned, _tier.Read(file, offset, 1));
                Assert.False(await _tier.Store.EnsureVerifiedAsync(TestTier.Key(file), offset, 1, CancellationToken.None));
                _acknowledged.Remove((file, block));
            }

            _unsynced.Clear();
        }

        private static void Damage(string path, long offset)
        {
            if (!File.Exists(path))
            {
                return; // Evicted or dropped since.
            }

            using var stream = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            stream.Position = offset;
            stream.Write(new byte[64]);
        }
    }
}
