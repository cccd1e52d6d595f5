using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.BlockStore;

namespace OrleansCache.PowerCut;

/// <summary>
/// The child that is killed or cut off: fills, reads, drops and evicts as fast as it can, and says on stdout what was
/// acknowledged. One line each: "open", "valid FILE BLOCK" (fill completed), "drop FILE" (before a drop begins),
/// "sync" (everything valid before the last "syncing" line is barriered). Kept files are leased, so they are not evicted.
/// </summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        if (args is ["hold-lease", var path])
        {
            return LeaseHolder.Hold(path);
        }

        if (args.Length != 3)
        {
            await Console.Error.WriteLineAsync("usage: PowerCut DIRECTORY SEED CAPACITY_MIB | PowerCut hold-lease FILE");
            return 2;
        }

        var seed = int.Parse(args[1], CultureInfo.InvariantCulture);
        await using var store = await DiskBlockStore.OpenAsync(
            new BlockStoreOptions
            {
                Directory = args[0],
                CapacityBytes = long.Parse(args[2], CultureInfo.InvariantCulture) << 20,
                FreeSpaceFloorBytes = 0,
                BarrierPeriod = TimeSpan.FromMilliseconds(400),
                CheckpointJournalBytes = 1 << 16,
            },
            NullLogger.Instance,
            CancellationToken.None);
        using var hammer = new Hammer(store, seed);
        await hammer.RunAsync();
        return 0;
    }
}
