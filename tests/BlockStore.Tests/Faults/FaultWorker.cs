namespace OrleansCache.BlockStore.Tests.Faults;

/// <summary>One user of the store: fills, reads, leases, drops, verifies, syncs at random, and checks every byte it is shown.</summary>
internal sealed class FaultWorker(IBlockStore store, FaultModel model, Random random, Func<bool> goesOn)
{
    public static readonly TimeSpan HangLimit = TimeSpan.FromSeconds(60);
    private readonly List<(int File, ResidencyLease Lease)> _leases = [];
    private readonly byte[] _buffer = new byte[TestTier.BlockSize];

    public async Task RunAsync()
    {
        try
        {
            while (goesOn())
            {
                await StepAsync();
            }
        }
        finally
        {
            _leases.ForEach(held => held.Lease.Dispose());
        }
    }

    private async Task StepAsync()
    {
        var file = random.Next(4) == 0 ? random.Next(FaultModel.LargeFiles) : random.Next(FaultModel.Files);
        var block = random.Next(FaultModel.Blocks(file));
        switch (random.Next(100))
        {
            case < 40:
                await FillAsync(file, block);
                break;
            case < 75:
                Read(file, block);
                break;
            case < 82:
                Lease(file);
                break;
            case < 88:
                EndLease();
                break;
            case < 91:
                model.Drop(file);
                await store.DropAsync(FaultModel.Key(file), CancellationToken.None).AsTask().WaitAsync(HangLimit);
                model.Drop(file);
                break;
            case < 94:
                await store.VerifyAsync(FaultModel.Key(file), CancellationToken.None).AsTask().WaitAsync(HangLimit);
                break;
            case < 97:
                await store.EnsureVerifiedAsync(FaultModel.Key(file), 0, FaultModel.Length(file), CancellationToken.None)
                    .AsTask().WaitAsync(HangLimit);
                break;
            case 97:
                await SyncAsync();
                break;
            case 98:
                store.Touch(FaultModel.Key(file));
                break;
            default:
                Assert.InRange(store.EnumerateFiles().Count(), 0, FaultModel.Files + 1);
                break;
        }
    }

    private async Task FillAsync(int file, int block)
    {
        var drops = model.DropsOf(file);
        var attempt = await store.BeginFillAsync(FaultModel.Request(file, block), CancellationToken.None).AsTask().WaitAsync(HangLimit);
        switch (attempt.Status)
        {
            case FillStatus.Started:
                using (var fill = attempt.Fill!)
                {
                    if (await WriteAsync(fill, file))
                    {
                        model.Acknowledge(file, block, drops);
                    }
                }

                break;
            case FillStatus.InFlight:
                await FollowAsync(attempt.Progress!, file);
                break;
            case FillStatus.Resident:
                Read(file, block);
                break;
            default:
                Assert.NotEqual(FillStatus.Mismatch, attempt.Status);
                break;
        }
    }

    private async Task<bool> WriteAsync(IBlockFill fill, int file)
    {
        var length = fill.Progress.BlockLengthBytes;
        var stopAt = random.Next(12) == 0 ? random.Next(length) : length;
        for (var done = 0; done < stopAt;)
        {
            var part = Math.Min(stopAt - done, random.Next(2) == 0 ? length : 1 + random.Next(length));
            if (!fill.Write(done, model.Contents(file, fill.Progress.BlockOffsetBytes + done, part)))
            {
                Assert.NotEqual(FillFailure.None, fill.Progress.Failure);
                return false;
            }

            done += part;
        }

        if (stopAt == length)
        {
            return await fill.CompleteAsync(CancellationToken.None).AsTask().WaitAsync(HangLimit);
        }

        if (random.Next(2) == 0)
        {
            fill.Abort(FillFailure.SourceFailed);
        }

        return false; // Or it is disposed without an end.
    }

    private async Task FollowAsync(IFillProgress progress, int file)
    {
        var upTo = 1 + random.Next(progress.BlockLengthBytes);
        if (await progress.WaitArrivedAsync(upTo, CancellationToken.None).AsTask().WaitAsync(HangLimit) == FillFailure.None
            && progress.TryPinArrived(0, upTo, out var pin))
        {
            CheckPinned(file, pin, progress.BlockOffsetBytes);
        }
    }

    private void Read(int file, int block)
    {
        var offset = TestTier.Layout.StartOf(block);
        var length = TestTier.Layout.LengthOf(block, FaultModel.Length(file));
        var from = random.Next(length);
        if (store.TryPin(FaultModel.Key(file), offset + from, length - from, out var pin) == PinStatus.Pinned)
        {
            CheckPinned(file, pin, offset + from);
        }
    }

    private void CheckPinned(int file, in ReadPin pin, long offset)
    {
        using (pin)
        {
            var bytes = _buffer.AsSpan(0, pin.LengthBytes);
            Assert.Equal(bytes.Length, RandomAccess.Read(pin.Handle, bytes, pin.FileOffsetBytes));
            model.AssertBytes(file, offset, bytes);
        }
    }

    private void Lease(int file)
    {
        if (_leases.Count < 4 && store.TryLease(FaultModel.Key(file), out var lease) == LeaseStatus.Leased)
        {
            _leases.Add((file, lease!));
            CheckLeased(file, lease!);
        }
    }

    private void EndLease()
    {
        if (_leases.Count > 0)
        {
            var (file, lease) = _leases[0];
            _leases.RemoveAt(0);
            CheckLeased(file, lease);
            lease.Dispose();
        }
    }

    /// <summary>What the lease says is there stays there, whatever was dropped or evicted since.</summary>
    private void CheckLeased(int file, ResidencyLease lease)
    {
        for (var block = 0; block < FaultModel.Blocks(file); block++)
        {
            if (lease.Residency.Has(block))
            {
                var offset = TestTier.Layout.StartOf(block);
                var bytes = _buffer.AsSpan(0, TestTier.Layout.LengthOf(block, FaultModel.Length(file)));
                Assert.Equal(bytes.Length, RandomAccess.Read(lease.Handle, bytes, offset));
                model.AssertBytes(file, offset, bytes);
            }
        }
    }

    private async Task SyncAsync()
    {
        try
        {
            await store.SyncAsync(CancellationToken.None).AsTask().WaitAsync(HangLimit);
        }
        catch (IOException)
        {
            Assert.False(store.GetStats().Healthy, "a barrier failed, but the store says that it is well");
        }
    }
}
