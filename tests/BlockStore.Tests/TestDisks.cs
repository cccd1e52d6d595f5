using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Tiers;
using OrleansCache.Files;

namespace OrleansCache.BlockStore.Tests;

/// <summary>Several tier directories with one store over them.</summary>
internal sealed class TestDisks : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("ocache-disks-").FullName;
    private readonly List<(string Directory, TierMedium Medium, long CapacityBytes, IDiskIo? Io)> _disks = [];
    private TieredBlockStore? _store;

    public TieredBlockStore Store => _store ?? throw new InvalidOperationException("not open");

    public Guid Boot { get; } = Guid.NewGuid();

    /// <summary>The clock of what is above the single disks.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public static string NameOf(FileKey key) => Path.Combine(key.ToString()[..2], key.ToString());

    public string Add(TierMedium medium = TierMedium.Nvme, long capacityBytes = 64L << 20, IDiskIo? io = null, string? directory = null)
    {
        var path = Directory.CreateDirectory(directory ?? Path.Combine(_root, $"disk{_disks.Count}")).FullName;
        _disks.Add((path, medium, capacityBytes, io));
        return path;
    }

    public async Task<TieredBlockStore> OpenAsync(long scrubBytesPerSecond = 0)
    {
        await CloseAsync();
        return _store = await TieredBlockStore.OpenAsync(
            [.. _disks.Select(OptionsOf)], scrubBytesPerSecond, Time, NullLogger.Instance, CancellationToken.None);
    }

    public async Task CloseAsync()
    {
        if (_store is not null)
        {
            await _store.DisposeAsync();
            _store = null;
        }
    }

    /// <summary>Fills a block with its pattern; the status if it was not ours to fill, Full when the fill failed.</summary>
    public async Task<FillStatus> FillAsync(int file, long length, int block)
    {
        var attempt = await Store.BeginFillAsync(TestTier.Request(file, length, block), CancellationToken.None)
            .AsTask().WaitAsync(TestTier.Limit);
        if (attempt.Fill is not { } fill)
        {
            return attempt.Status;
        }

        using (fill)
        {
            return TestTier.WriteAll(fill, TestTier.Key(file))
                && await fill.CompleteAsync(CancellationToken.None).AsTask().WaitAsync(TestTier.Limit)
                ? FillStatus.Started
                : FillStatus.Full;
        }
    }

    /// <summary>Pins and reads; fails when the bytes are wrong.</summary>
    public PinStatus Read(int file, long offset, int length)
    {
        var status = Store.TryPin(TestTier.Key(file), offset, length, out var pin);
        if (status == PinStatus.Pinned)
        {
            using (pin)
            {
                TestTier.AssertBytes(TestTier.Key(file), offset, pin);
            }
        }

        return status;
    }

    public DiskStatus StatusOf(string directory) => Store.Disks.Single(disk => disk.Directory == directory);

    /// <summary>The disks that have bytes of a file on them.</summary>
    public IEnumerable<string> HoldersOf(int file) =>
        _disks.Select(disk => disk.Directory).Where(disk => File.Exists(Path.Combine(disk, "files", NameOf(TestTier.Key(file)))));

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        Directory.Delete(_root, recursive: true);
    }

    private BlockStoreOptions OptionsOf((string Directory, TierMedium Medium, long CapacityBytes, IDiskIo? Io) disk) => new()
    {
        Directory = disk.Directory,
        CapacityBytes = disk.CapacityBytes,
        Medium = disk.Medium,
        FreeSpaceFloorBytes = 0,
        BarrierPeriod = TimeSpan.FromHours(1),
        ReadBootId = () => Boot,
        Io = disk.Io ?? LinuxDiskIo.Instance,
    };
}
