using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.BlockStore;
using OrleansCache.Files;
using OrleansCache.Namespaces;

namespace OrleansCache.Bench.Policies;

/// <summary>Runs a trace through a real store in a temporary directory: an item is a file of one block.</summary>
internal static class StoreReplay
{
    private static readonly BlockLayout Layout = new(BlockLayout.MinBlockSizeBytes);

    /// <summary>The hit ratio of a trace's measured part. What the store is asked for is recorded, if wanted.</summary>
    public static async Task<double> HitRatioAsync(
        Trace trace, EvictionKind kind, long capacityBytes, string directory, TextWriter? recordTo, CancellationToken cancellationToken)
    {
        var options = new BlockStoreOptions { Directory = directory, CapacityBytes = capacityBytes, FreeSpaceFloorBytes = 0 };
        var opened = await DiskBlockStore.OpenAsync(options, NullLogger.Instance, cancellationToken).ConfigureAwait(false);
        await using var store = recordTo is null ? opened : new RecordingStore(opened, recordTo);
        foreach (var source in trace.Accesses.Select(access => access.Source).Distinct())
        {
            store.SetSource(new SourceId(source), new SourceCaching(kind, 0));
        }

        var hits = 0;
        for (var i = 0; i < trace.Accesses.Length; i++)
        {
            hits += await UseAsync(store, trace.Accesses[i], cancellationToken).ConfigureAwait(false) && i >= trace.MeasureFrom ? 1 : 0;
        }

        return (double)hits / (trace.Accesses.Length - trace.MeasureFrom);
    }

    private static async Task<bool> UseAsync(IBlockStore store, Access access, CancellationToken cancellationToken)
    {
        var key = new FileKey(access.Source, access.Key);
        if (TryRead(store, key, access.Bytes))
        {
            return true;
        }

        var request = new FillRequest(key, access.Bytes, Layout, new SourceId(access.Source), 0);
        var attempt = await store.BeginFillAsync(request, cancellationToken).ConfigureAwait(false);
        using var fill = attempt.Fill ?? throw new InvalidOperationException($"{key} cannot be filled: {attempt.Status}");
        if (!fill.Write(0, new byte[access.Bytes]) || !await fill.CompleteAsync(cancellationToken).ConfigureAwait(false))
        {
            throw new InvalidOperationException($"{key} was not filled: {attempt.Progress!.Failure}");
        }

        TryRead(store, key, access.Bytes);
        return false;
    }

    private static bool TryRead(IBlockStore store, FileKey key, int bytes)
    {
        if (store.TryPin(key, 0, bytes, out var pin) != PinStatus.Pinned)
        {
            return false;
        }

        pin.Dispose();
        return true;
    }
}
