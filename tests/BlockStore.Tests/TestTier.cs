using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.BlockStore.Disk;
using OrleansCache.Files;
using OrleansCache.PowerCut;

namespace OrleansCache.BlockStore.Tests;

/// <summary>A temporary tier directory and a store over it that can be closed, killed (in effect) and reopened.</summary>
internal sealed class TestTier : IAsyncDisposable
{
    public static readonly BlockLayout Layout = new(BlockLayout.MinBlockSizeBytes);
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private const int CopyAttemptsMax = 50;
    private IBlockStore? _store;

    public TestTier(long capacityBytes = 64L << 20, string? root = null)
    {
        CapacityBytes = capacityBytes;
        OwnsRoot = root is null;
        Root = root ?? Directory.CreateTempSubdirectory("ocache-store-").FullName;
    }

    public string Root { get; }

    public long CapacityBytes { get; }

    public bool OwnsRoot { get; }

    public Guid Boot { get; set; } = Guid.NewGuid();

    public TimeSpan BarrierPeriod { get; set; } = TimeSpan.FromHours(1);

    public IBlockStore Store => _store ?? throw new InvalidOperationException("not open");

    public static int BlockSize => Layout.BlockSizeBytes;

    public static FileKey Key(int n) => new(0x5EED_0000 + (ulong)n, (ulong)n * 0x9E37_79B9_7F4A_7C15);

    public int PackedMaxBytes { get; set; } = 64 << 10;

    public long CheckpointJournalBytes { get; set; } = 32L << 20;

    /// <summary>Longer than any commit on a busy disk, for tests that count on eviction; the default for those that are refused.</summary>
    public TimeSpan EvictionWaitMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The disk.</summary>
    public IDiskIo Io { get; set; } = LinuxDiskIo.Instance;

    public BlockStoreOptions Options(RebootTrust trust = RebootTrust.UpToLastBarrier) => new()
    {
        TrustAfterReboot = trust,
        Io = Io,
        EvictionWaitMax = EvictionWaitMax,
        Directory = Root,
        CapacityBytes = CapacityBytes,
        FreeSpaceFloorBytes = 0,
        BarrierPeriod = BarrierPeriod,
        PackedMaxBytes = PackedMaxBytes,
        CheckpointJournalBytes = CheckpointJournalBytes,
        ReadBootId = () => Boot,
    };

    public Task<IBlockStore> OpenAsync() => OpenAsync(Options());

    public async Task<IBlockStore> OpenAsync(BlockStoreOptions options)
    {
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }

        _store = await DiskBlockStore.OpenAsync(options, NullLogger.Instance, CancellationToken.None);
        return _store;
    }

    public async Task CloseAsync()
    {
        if (_store is not null)
        {
            await _store.DisposeAsync();
            _store = null;
        }
    }

    public static FillRequest Request(int file, long length, int block) =>
        new(Key(file), length, Layout, new SourceId(1), block);

    public async Task<FillStatus> FillAsync(int file, long length, int block, bool mayFail = false)
    {
        var attempt = await Store.BeginFillAsync(Request(file, length, block), CancellationToken.None).AsTask().WaitAsync(Limit);
        if (attempt.Fill is { } fill)
        {
            using (fill)
            {
                Assert.True(WriteAll(fill, Key(file)));
                Assert.True(await fill.CompleteAsync(CancellationToken.None).AsTask().WaitAsync(Limit) || mayFail);
            }
        }

        return attempt.Status;
    }

    public async Task FillAllAsync(int file, long length)
    {
        for (var block = 0; block < Layout.CountFor(length); block++)
        {
            Assert.Equal(FillStatus.Started, await FillAsync(file, length, block));
        }
    }

    public static bool WriteAll(IBlockFill fill, FileKey key)
    {
        var bytes = new byte[fill.Progress.BlockLengthBytes];
        Pattern.Fill(key, fill.Progress.BlockOffsetBytes, bytes);
        var part = Math.Min(100_000, bytes.Length); // Not a multiple of the checksum chunk.
        return fill.Write(0, bytes.AsSpan(0, part)) && fill.Write(part, bytes.AsSpan(part));
    }

    /// <summary>Pins and reads a range; null when it is not resident. Fails when the bytes are wrong.</summary>
    public PinStatus Read(int file, long offset, int length)
    {
        var status = Store.TryPin(Key(file), offset, length, out var pin);
        if (status == PinStatus.Pinned)
        {
            using (pin)
            {
                AssertBytes(Key(file), offset, pin);
            }
        }

        return status;
    }

    /// <summary>The pinned bytes are those of the file at an offset (a multiple of 8).</summary>
    public static void AssertBytes(FileKey key, long offset, in ReadPin pin)
    {
        var bytes = new byte[pin.LengthBytes];
        Assert.Equal(bytes.Length, RandomAccess.Read(pin.Handle, bytes, pin.FileOffsetBytes));
        Assert.True(Pattern.Matches(key, offset, bytes), $"wrong bytes of {key} at {offset}");
    }

    public string PathOf(int file)
    {
        var name = Key(file).ToString();
        return Path.Combine(Root, "files", name[..2], name);
    }

    /// <summary>Waits for a condition that background work brings about, or another process on a busy machine.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        var most = Limit * 3;
        using var limit = new CancellationTokenSource(most);
        while (!condition())
        {
            Assert.False(limit.IsCancellationRequested, $"waited {most} for: {what}");
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>
    /// The directory as a kill -9 would leave it, in a tier of its own: a copy, made while the store is open. A copy is not
    /// atomic (the journal copied after a compaction names a segment that was not there when the segments were), so one that
    /// background work came into is thrown away; kills at any moment are the business of <see cref="KillTests"/>.
    /// </summary>
    public async Task<TestTier> CopyAsKilledAsync()
    {
        for (var attempt = 0; attempt < CopyAttemptsMax; attempt++)
        {
            await UntilAsync(IsQuiet, "background work to end");
            var before = Changes();
            var copy = new TestTier(CapacityBytes) { Boot = Boot, PackedMaxBytes = PackedMaxBytes, EvictionWaitMax = EvictionWaitMax };
            var (code, output) = Processes.TryRun("cp", "-a", "--sparse=always", Root + "/.", copy.Root);
            if (IsQuiet() && Changes() == before)
            {
                Assert.True(code == 0, output);
                return copy;
            }

            await copy.DisposeAsync();
        }

        throw new InvalidOperationException($"the store was not quiet for the time of a copy, {CopyAttemptsMax} times");
    }

    /// <summary>Whatever changes the directory has a record, or is a checkpoint.</summary>
    private (long JournalBytes, long MovedBytes) Changes() =>
        (Store.GetStats().JournalBytes, Store.GetStats().PackedMovedBytes);

    private bool IsQuiet()
    {
        var stats = Store.GetStats();
        var inFiles = stats.ResidentBytes - stats.PackedBytes;
        return stats.FillsInFlight == 0 && stats.UsedBytes - stats.PackedSegmentBytes == inFiles + stats.UnlinkedOpenBytes
            && ((DiskBlockStore)Store).IsIdle
            && stats.PackedSegments == Directory.EnumerateFiles(Path.Combine(Root, "packed")).Count()
            && stats.Files - stats.PackedObjects == Directory.EnumerateFiles(Path.Combine(Root, "files"), "*", SearchOption.AllDirectories).Count();
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        if (OwnsRoot)
        {
            Directory.Delete(Root, recursive: true);
        }
    }
}
