using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.Blocks;
using OrleansCache.BlockStore;
using OrleansCache.Files;
using OrleansCache.Silo.Filling;
using OrleansCache.Silo.Serving;
using OrleansCache.Silo.Telemetry;

namespace OrleansCache.Silo.Tests.Fakes;

/// <summary>The block service over a real block store in a directory of its own, a scripted under storage and counted grants.</summary>
internal sealed class ServingBench : IAsyncDisposable
{
    /// <summary>The smallest block: tests are about order, not about bulk.</summary>
    public const int BlockBytes = BlockLayout.MinBlockSizeBytes;

    public const int PieceBytes = 64 * 1024;

    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static readonly byte[] Key = new byte[32];
    private int _grantCalls;
    private int _files;

    private ServingBench(string folder, IBlockStore store, FillOptions options, TimeProvider time)
    {
        Folder = folder;
        Store = store;
        Grants = new GrantCache(
            (run, block, _) =>
            {
                Interlocked.Increment(ref _grantCalls);
                return Grant(run, block);
            },
            options, time, NullLogger<GrantCache>.Instance);
        Pipeline = new FillPipeline(
            store,
            new UnderStorageReader(Storage, Statistics, options, time, NullLogger<UnderStorageReader>.Instance),
            Grants, options, time, NullLogger<FillPipeline>.Instance);
        Service = new BlockService(
            store, Pipeline, new CapabilityTable(1000), Statistics, options, Key, TimeProvider.System, () => []);
    }

    public ScriptedStorage Storage { get; } = new();

    public SourceStatistics Statistics { get; } = new();

    public IBlockStore Store { get; private set; }

    public GrantCache Grants { get; }

    public FillPipeline Pipeline { get; }

    public BlockService Service { get; }

    public int GrantCalls => Volatile.Read(ref _grantCalls);

    public SourceCounters Counters => Statistics.Of(Storage.Source);

    public Func<string, BlockId, ValueTask<FillGrant>> Grant { get; set; } =
        (_, _) => new(new FillGrant(true, null, TimeSpan.FromMinutes(5)));

    public static async Task<ServingBench> CreateAsync(
        FillOptions? options = null, long capacityBytes = 256 << 20, string? folder = null, Guid? bootId = null,
        TimeProvider? time = null)
    {
        folder ??= Directory.CreateTempSubdirectory("ocache-serving-").FullName;
        var store = await DiskBlockStore.OpenAsync(
            new BlockStoreOptions
            {
                Directory = folder,
                CapacityBytes = capacityBytes,
                FreeSpaceFloorBytes = 0,
                EvictionWaitMax = TimeSpan.FromMilliseconds(50),
                ReadBootId = bootId is { } id ? () => id : BootId.Read,
            },
            NullLogger.Instance, CancellationToken.None);
        return new ServingBench(
            folder, store, options ?? new FillOptions { PieceBytes = PieceBytes, ReleaseBytes = PieceBytes }, time ?? TimeProvider.System);
    }

    /// <summary>A file of so many bytes, presented to the service.</summary>
    public ReadCapability Present(long lengthBytes, string? path = null, TimeSpan? validFor = null)
    {
        var number = (ulong)Interlocked.Increment(ref _files);
        var capability = ReadCapability.Issue(
            Storage.Source, path ?? $"file{number}", new FileId(7, number), new FileVersion(lengthBytes, 1, 2, null),
            new BlockLayout(BlockBytes), DateTimeOffset.UtcNow + (validFor ?? TimeSpan.FromMinutes(5)), Key);
        Assert.Equal(ReadStatus.Ok, Service.Present(capability));
        return capability;
    }

    /// <summary>Reads a file as the block server does: ensure, pin, pread, again.</summary>
    public async Task<ReadStatus> ReadAsync(ReadCapability file, long offsetBytes, byte[] into)
    {
        using var deadline = new CancellationTokenSource(Soon);
        var wasResident = true;
        for (var at = 0; at < into.Length;)
        {
            var outcome = wasResident
                ? await Service.EnsureAsync(file.Key, offsetBytes + at, into.Length - at, deadline.Token)
                : await Service.EnsureMoreAsync(file.Key, offsetBytes + at, into.Length - at, deadline.Token);
            wasResident &= outcome.WasResident;
            if (outcome.Status == ReadStatus.Unavailable)
            {
                return await Service.ReadThroughAsync(file.Key, offsetBytes + at, into.AsMemory(at), deadline.Token);
            }

            if (outcome.Status != ReadStatus.Ok)
            {
                return outcome.Status;
            }

            var length = (int)Math.Min(outcome.AvailableBytes, into.Length - at);
            if (Service.TryPin(file.Key, offsetBytes + at, length, out var pin) == ReadStatus.Ok)
            {
                using (pin)
                {
                    Assert.Equal(length, RandomAccess.Read(pin.File, into.AsSpan(at, length), pin.FileOffsetBytes));
                }

                at += length;
            }
        }

        return ReadStatus.Ok;
    }

    /// <summary>Reads a whole file and compares every byte.</summary>
    public async Task ReadRightAsync(ReadCapability file)
    {
        var bytes = new byte[file.Version.LengthBytes];
        Assert.Equal(ReadStatus.Ok, await ReadAsync(file, 0, bytes));
        AssertRight(file, 0, bytes);
    }

    public static void AssertRight(ReadCapability file, long offsetBytes, ReadOnlySpan<byte> bytes)
    {
        for (var at = 0; at < bytes.Length; at++)
        {
            if (bytes[at] != ScriptedStorage.ByteAt(file.Path, offsetBytes + at))
            {
                Assert.Fail($"{file.Path} has a wrong byte at {offsetBytes + at}");
            }
        }
    }

    /// <summary>Waits until something holds; the store and the pipeline finish in the background.</summary>
    public static async Task UntilAsync(Func<bool> holds, string what)
    {
        using var deadline = new CancellationTokenSource(Soon);
        while (!holds())
        {
            Assert.False(deadline.IsCancellationRequested, $"after {Soon}, still not: {what}");
            await Task.Delay(TimeSpan.FromMilliseconds(2), CancellationToken.None);
        }
    }

    public Task IdleAsync() => UntilAsync(() => Pipeline.Flights == 0, "no block on its way");

    /// <summary>
    /// A new process on what a kill -9 at this moment leaves behind: a copy of the folder, for the store's lock and its
    /// clean end belong to this one. With another boot id the machine crashed, too.
    /// </summary>
    public async Task<ServingBench> CrashAsync(Guid? bootId = null, Action<string>? meddle = null)
    {
        var copy = Directory.CreateTempSubdirectory("ocache-serving-").FullName;
        using (var copying = Process.Start("cp", ["-a", $"{Folder}/.", copy]))
        {
            await copying.WaitForExitAsync().WaitAsync(Soon);
            Assert.Equal(0, copying.ExitCode);
        }

        meddle?.Invoke(copy);
        return await CreateAsync(folder: copy, bootId: bootId);
    }

    public string Folder { get; }

    public async ValueTask DisposeAsync()
    {
        Storage.LetGo();
        await Pipeline.DisposeAsync();
        await Store.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
