using OrleansCache.BlockStore;

namespace OrleansCache.PowerCut;

/// <summary>The work: three fillers that also read, drop and sync.</summary>
internal sealed class Hammer(IBlockStore store, int seed) : IDisposable
{
    private const int Fillers = 3;

    private readonly SemaphoreSlim _output = new(1);
    private readonly List<ResidencyLease> _leases = [];

    public async Task RunAsync()
    {
        await SayAsync("open");
        for (var kept = 0; kept < Workload.KeptFiles; kept++)
        {
            await KeepAsync(kept);
        }

        await Task.WhenAll(Enumerable.Range(0, Fillers).Select(i => Task.Run(() => WorkAsync(new Random(seed + i), i))));
    }

    public void Dispose()
    {
        _leases.ForEach(lease => lease.Dispose());
        _output.Dispose();
    }

    /// <summary>
    /// Says nothing of a kept file before it is leased: in a store that opens nearly full it is evicted as well as any other,
    /// and while it is, the lease is refused. What the lease finds there was acknowledged in an earlier life.
    /// </summary>
    private async Task KeepAsync(int file)
    {
        var buffer = new byte[Workload.BlockSizeBytes];
        ResidencyLease? lease;
        do
        {
            await TryFillAsync(file, 0, buffer);
            if (store.TryLease(Workload.Key(file), out lease) != LeaseStatus.Leased)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(1));
            }
        }
        while (lease is null);

        _leases.Add(lease);
        for (var block = 0; block < Workload.Blocks(file); block++)
        {
            if (lease.Residency.Has(block))
            {
                await SayAsync($"valid {file} {block}");
            }
        }
    }

    private async Task WorkAsync(Random random, int worker)
    {
        var buffer = new byte[Workload.BlockSizeBytes];
        while (true)
        {
            var file = random.Next(4) switch
            {
                0 => random.Next(Workload.KeptFiles),
                1 => random.Next(Workload.LargeFiles),
                _ => Workload.LargeFiles + (random.Next(Workload.SmallFiles / Fillers) * Fillers) + worker,
            };
            // Only one drops a file and says that it filled it: else another's drop could come between the fill and its line.
            var isMine = file % Fillers == worker;
            var block = random.Next(Workload.Blocks(file));
            switch (random.Next(40))
            {
                case 0:
                    await SyncAsync();
                    break;
                case 1 when file >= Workload.KeptFiles && isMine:
                case < 6 when file >= Workload.LargeFiles: // Dropped often, so that there is something to compact.
                    await SayAsync($"drop {file}");
                    await store.DropAsync(Workload.Key(file), CancellationToken.None);
                    break;
                default:
                    if (!Read(file, block, buffer) && await TryFillAsync(file, block, buffer) && (isMine || file < Workload.KeptFiles))
                    {
                        await SayAsync($"valid {file} {block}");
                    }

                    break;
            }
        }
    }

    private async Task SyncAsync()
    {
        var id = Guid.NewGuid();
        await SayAsync($"syncing {id:n}");
        await store.SyncAsync(CancellationToken.None);
        await SayAsync($"sync {id:n}");
    }

    private bool Read(int file, int block, byte[] buffer)
    {
        var length = Workload.Layout.LengthOf(block, Workload.LengthBytes(file));
        var offset = Workload.Layout.StartOf(block);
        if (store.TryPin(Workload.Key(file), offset, length, out var pin) != PinStatus.Pinned)
        {
            return false;
        }

        using (pin)
        {
            var read = RandomAccess.Read(pin.Handle, buffer.AsSpan(0, length), pin.FileOffsetBytes);
            if (read != length || !Pattern.Matches(Workload.Key(file), offset, buffer.AsSpan(0, length)))
            {
                Environment.FailFast($"wrong bytes in file {file} block {block}");
            }
        }

        return true;
    }

    private async Task<bool> TryFillAsync(int file, int block, byte[] buffer)
    {
        var request = new FillRequest(
            Workload.Key(file), Workload.LengthBytes(file), Workload.Layout, Workload.Source, block);
        var attempt = await store.BeginFillAsync(request, CancellationToken.None);
        if (attempt.Fill is not { } fill)
        {
            return false;
        }

        using (fill)
        {
            var length = fill.Progress.BlockLengthBytes;
            Pattern.Fill(Workload.Key(file), fill.Progress.BlockOffsetBytes, buffer.AsSpan(0, length));
            var half = length / 2;
            return fill.Write(0, buffer.AsSpan(0, half)) && fill.Write(half, buffer.AsSpan(half, length - half))
                && await fill.CompleteAsync(CancellationToken.None);
        }
    }

    private async Task SayAsync(string line)
    {
        await _output.WaitAsync();
        try
        {
            await Console.Out.WriteLineAsync(line);
            await Console.Out.FlushAsync();
        }
        finally
        {
            _output.Release();
        }
    }
}
