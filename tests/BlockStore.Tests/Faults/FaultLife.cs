using Microsoft.Extensions.Logging.Abstractions;

namespace OrleansCache.BlockStore.Tests.Faults;

/// <summary>
/// One life of a store, from opening to its end: workers use it while one kind of fault strikes. After it the model knows
/// which losses the faults explain.
/// </summary>
internal sealed class FaultLife(FaultModel model, string root, long capacityBytes, int workers, Random random)
{
    private const int ProbeFile = 1000;
    private readonly FaultyDiskIo _io = new(random.Next());
    private readonly FaultScenario _scenario = FaultScenario.Choose(random);
    private readonly Ending _ending = (Ending)random.Next(3);
    private readonly bool _faultsWhileOpening = random.Next(4) == 0;
    private int _operations;

    public string Name => $"{_scenario.Name}, {_ending}{(_faultsWhileOpening ? ", faults while opening" : "")}";

    /// <summary>Faults that struck.</summary>
    public int Strikes => _io.Strikes;

    /// <summary>Lives through it; returns the boot id of the next life.</summary>
    public async Task<Guid> RunAsync(Guid boot, int operations)
    {
        var store = await OpenAsync(boot);
        if (store is null)
        {
            return boot;
        }

        await CheckKnownAsync(store);
        _io.Rules = _scenario.Rules;
        await WorkAsync(store, operations);
        if (_ending == Ending.Close)
        {
            await CheckAfterFaultsAsync(store);
        }

        var stats = store.GetStats();
        await store.DisposeAsync().AsTask().WaitAsync(FaultWorker.HangLimit);
        Explain(stats);
        return _ending == Ending.PowerCut ? Guid.NewGuid() : boot;
    }

    private async Task<IBlockStore?> OpenAsync(Guid boot)
    {
        var options = new BlockStoreOptions
        {
            Directory = root,
            CapacityBytes = capacityBytes,
            FreeSpaceFloorBytes = 0,
            BarrierPeriod = TimeSpan.FromMilliseconds(50),
            CheckpointJournalBytes = 1 << 16,
            OpenFilesMax = 16,
            ReadBootId = () => boot,
            Io = _io,
        };
        _io.Rules = _faultsWhileOpening ? _scenario.Rules : [];
        try
        {
            return await DiskBlockStore.OpenAsync(options, NullLogger.Instance, CancellationToken.None).WaitAsync(FaultWorker.HangLimit);
        }
        catch (BlockStoreException) when (_io.Strikes > 0)
        {
            return null; // Refused, not misread: the next life finds everything.
        }
    }

    /// <summary>What was acknowledged is there, and its bytes are right.</summary>
    private async Task CheckKnownAsync(IBlockStore store)
    {
        foreach (var (file, block) in model.Known)
        {
            var offset = TestTier.Layout.StartOf(block);
            var length = TestTier.Layout.LengthOf(block, FaultModel.Length(file));
            var verified = await store.EnsureVerifiedAsync(FaultModel.Key(file), offset, length, CancellationToken.None)
                .AsTask().WaitAsync(FaultWorker.HangLimit);
            if (verified || IsExplained(store))
            {
                continue;
            }

            Assert.Fail($"block {block} of file {file} is gone");
        }
    }

    /// <summary>Only while the store was opened under faults, or evicts because the tier is small.</summary>
    private bool IsExplained(IBlockStore store) => _io.Strikes > 0 || store.GetStats().BlocksEvicted > 0;

    private async Task WorkAsync(IBlockStore store, int operations)
    {
        var endsAt = _ending == Ending.Close ? int.MaxValue : random.Next(operations);
        bool GoesOn()
        {
            var number = Interlocked.Increment(ref _operations);
            if (number == endsAt)
            {
                _io.Die();
            }

            if (number % 16 == 0)
            {
                AssertSpace(store);
            }

            return number <= operations && number < endsAt + 50L;
        }

        await Task.WhenAll(Enumerable.Range(0, workers).Select(_ =>
        {
            var worker = new FaultWorker(store, model, new Random(random.Next()), GoesOn);
            return Task.Run(worker.RunAsync);
        }));
    }

    /// <summary>
    /// The two figures are not one snapshot: what is given back between the looks is missing in the second. An account that is
    /// wrong stays wrong.
    /// </summary>
    private void AssertSpace(IBlockStore store)
    {
        var stats = store.GetStats();
        bool IsBelowUsed() => (stats = store.GetStats()).ResidentBytes <= stats.UsedBytes + ((long)workers * TestTier.BlockSize);
        Assert.InRange(stats.UsedBytes, 0, capacityBytes + ((long)workers * TestTier.BlockSize));
        Assert.True(
            SpinWait.SpinUntil(IsBelowUsed, FaultWorker.HangLimit),
            $"{stats.ResidentBytes} bytes are resident, {stats.UsedBytes} are said to be used");
    }

    /// <summary>Without faults the store fills again, or says that it does not; either way what it shows is right.</summary>
    private async Task CheckAfterFaultsAsync(IBlockStore store)
    {
        _io.Rules = [];
        if (store.GetStats().Healthy)
        {
            await TestTier.UntilAsync(() => CanFill(store), "a fill to succeed after the faults");
        }

        for (var file = 0; file < FaultModel.Files; file++)
        {
            CheckResident(store, file);
        }
    }

    private void CheckResident(IBlockStore store, int file)
    {
        for (var block = 0; block < FaultModel.Blocks(file); block++)
        {
            var length = TestTier.Layout.LengthOf(block, FaultModel.Length(file));
            var offset = TestTier.Layout.StartOf(block);
            if (store.GetResidency(FaultModel.Key(file)).Has(block)
                && store.TryPin(FaultModel.Key(file), offset, length, out var pin) == PinStatus.Pinned)
            {
                using (pin)
                {
                    var bytes = new byte[length];
                    Assert.Equal(length, RandomAccess.Read(pin.Handle, bytes, pin.FileOffsetBytes));
                    model.AssertBytes(file, offset, bytes);
                }
            }
        }
    }

    private static bool CanFill(IBlockStore store) => Task.Run(async () =>
    {
        var key = FaultModel.Key(ProbeFile);
        await store.DropAsync(key, CancellationToken.None).AsTask().WaitAsync(FaultWorker.HangLimit);
        var request = new FillRequest(key, 500, TestTier.Layout, FaultModel.Source, 0);
        var attempt = await store.BeginFillAsync(request, CancellationToken.None).AsTask().WaitAsync(FaultWorker.HangLimit);
        using var fill = attempt.Fill;
        return fill is not null && fill.Write(0, new byte[500])
            && await fill.CompleteAsync(CancellationToken.None).AsTask().WaitAsync(FaultWorker.HangLimit);
    }).GetAwaiter().GetResult();

    /// <summary>Loses what this end loses, and forgets what nobody can expect to find again.</summary>
    private void Explain(BlockStoreStats stats)
    {
        // Killed between the failed sync and the note of it, a store of the same boot has no way to know.
        var isSyncLost = _io.SyncFailed && File.Exists(Path.Combine(root, "distrust"));
        HashSet<string> lost = [.. _io.ReadFaults];
        if (_ending == Ending.PowerCut || isSyncLost)
        {
            lost.UnionWith(_io.LoseUnsynced(share: 0.5));
        }

        foreach (var one in model.Known)
        {
            var name = FaultModel.Key(one.File).ToString();
            var isPackedLost = one.File >= FaultModel.LargeFiles && lost.Any(path => !path.Contains("/files/", StringComparison.Ordinal));
            if (stats.BlocksEvicted > 0 || isPackedLost || lost.Any(path => path.EndsWith(name, StringComparison.Ordinal)))
            {
                model.Forget(one);
            }
        }
    }
}
