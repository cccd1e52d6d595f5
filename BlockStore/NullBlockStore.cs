using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore;

/// <summary>
/// A store with no store behind it, as a reference for benchmarks: fills are accepted and forgotten, yet every block that
/// was filled once is resident from then on and reads as zeros from one sparse file. What a benchmark shows over
/// it is the cost of everything but the store. Never for real data; it promises nothing after its process ends.
/// </summary>
public sealed class NullBlockStore : IBlockStore
{
    private const long FileBytesMax = 1L << 42; // Sparse: costs nothing on any file system we know.

    private readonly ConcurrentDictionary<FileKey, NullFile> _files = new();
    private readonly SafeFileHandle _zeros;
    private readonly string _path;
    private long _pins;

    /// <summary>Makes its one sparse file in a directory.</summary>
    public NullBlockStore(string directory)
    {
        _path = Path.Combine(directory, $"null-store-{Environment.ProcessId}");
        _zeros = FileOpening.Open(_path, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Truncate);
        FileSpace.SetLength(_zeros, FileBytesMax);
    }

    /// <inheritdoc/>
    public FileResidency GetResidency(FileKey file) =>
        _files.TryGetValue(file, out var known) ? known.Snapshot() : FileResidency.None;

    /// <inheritdoc/>
    public PinStatus TryPin(FileKey file, long offsetBytes, int lengthBytes, out ReadPin pin)
    {
        pin = default;
        if (!_files.TryGetValue(file, out var known) || !known.Has(offsetBytes, lengthBytes))
        {
            return PinStatus.Missing;
        }

        Interlocked.Increment(ref _pins);
        pin = new ReadPin(null, 0, _zeros, offsetBytes, lengthBytes);
        return PinStatus.Pinned;
    }

    /// <inheritdoc/>
    public ValueTask<FillAttempt> BeginFillAsync(FillRequest request, CancellationToken cancellationToken)
    {
        var shape = new FileShape(request.File, request.FileLengthBytes, request.Layout, request.Source);
        if (!shape.IsValid || (uint)request.BlockIndex >= (uint)shape.BlockCount || shape.LengthBytes > FileBytesMax)
        {
            return new(new FillAttempt(FillStatus.Mismatch, null, null));
        }

        var file = _files.GetOrAdd(request.File, static (_, shape) => new NullFile(shape), shape);
        if (file.Has(request.BlockIndex))
        {
            return new(new FillAttempt(FillStatus.Resident, null, null));
        }

        var fill = new NullFill(file, request.BlockIndex, _zeros);
        return new(new FillAttempt(FillStatus.Started, fill, fill));
    }

    /// <inheritdoc/>
    public LeaseStatus TryLease(FileKey file, out ResidencyLease? lease)
    {
        lease = null;
        if (!_files.TryGetValue(file, out var known))
        {
            return LeaseStatus.Missing;
        }

        lease = new ResidencyLease(FileOpening.Open(_path, OpenFlags.ReadOnly), known.Snapshot(), generation: 1);
        return LeaseStatus.Leased;
    }

    /// <inheritdoc/>
    public ValueTask<bool> EnsureVerifiedAsync(
        FileKey file, long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        new(_files.TryGetValue(file, out var known) && known.Has(offsetBytes, lengthBytes));

    /// <inheritdoc/>
    public void Doubt(FileKey file, long offsetBytes, int lengthBytes)
    {
        // Nothing can be unreadable.
    }

    /// <inheritdoc/>
    public void Touch(FileKey file)
    {
        // Nothing is evicted here.
    }

    /// <inheritdoc/>
    public void SetSource(SourceId source, SourceCaching caching)
    {
        // Nothing is evicted here.
    }

    /// <inheritdoc/>
    public ValueTask DropAsync(FileKey file, CancellationToken cancellationToken)
    {
        _files.TryRemove(file, out _);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<int> DropSourceAsync(SourceId source, CancellationToken cancellationToken)
    {
        var dropped = 0;
        foreach (var (key, file) in _files)
        {
            dropped += file.Shape.Source == source && _files.TryRemove(key, out _) ? 1 : 0;
        }

        return new(dropped);
    }

    /// <inheritdoc/>
    public ValueTask<VerifyReport> VerifyAsync(FileKey file, CancellationToken cancellationToken) => new(new VerifyReport(0, 0));

    /// <inheritdoc/>
    public ValueTask SyncAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public BlockStoreStats GetStats() => new StoreCounters().ToStats() with
    {
        CapacityBytes = FileBytesMax,
        Files = _files.Count,
        OpenFiles = 1,
        PinHits = Volatile.Read(ref _pins),
    };

    /// <inheritdoc/>
    public IEnumerable<StoredFile> EnumerateFiles() => _files.Select(pair => new StoredFile(
        pair.Key,
        pair.Value.Shape.Source,
        pair.Value.Shape.LengthBytes,
        pair.Value.Shape.Layout,
        pair.Value.Snapshot().ResidentBlocks,
        0,
        0));

    /// <summary>Removes the file.</summary>
    public ValueTask DisposeAsync()
    {
        _zeros.Dispose();
        FileSpace.Unlink(_path);
        return ValueTask.CompletedTask;
    }

    /// <summary>Which blocks were filled.</summary>
    private sealed class NullFile(FileShape shape)
    {
        /// <summary>There is one null file for each version, for ever.</summary>
        public const long Generation = 1;

        private readonly ulong[] _bits = new ulong[(shape.BlockCount + 63) / 64];

        public FileShape Shape { get; } = shape;

        public void Show(int block) => Interlocked.Or(ref _bits[block >> 6], 1UL << (block & 63));

        public bool Has(int block) => (Volatile.Read(ref _bits[block >> 6]) >> (block & 63) & 1) != 0;

        public bool Has(long offsetBytes, long lengthBytes)
        {
            if (offsetBytes < 0 || lengthBytes <= 0 || offsetBytes > Shape.LengthBytes - lengthBytes)
            {
                return false;
            }

            var last = Shape.Layout.IndexOf(offsetBytes + lengthBytes - 1);
            for (var block = Shape.Layout.IndexOf(offsetBytes); block <= last; block++)
            {
                if (!Has(block))
                {
                    return false;
                }
            }

            return true;
        }

        public FileResidency Snapshot() => new(
            [.. _bits], Shape.BlockCount, Shape.Layout.BlockSizeBytes, Shape.LengthBytes, Generation, unproven: 0);
    }

    /// <summary>Takes bytes and forgets them.</summary>
    private sealed class NullFill(NullFile file, int block, SafeFileHandle zeros) : IBlockFill, IFillProgress
    {
        private int _arrived;

        public IFillProgress Progress => this;

        public long Generation => NullFile.Generation;

        public long BlockOffsetBytes { get; } = file.Shape.Layout.StartOf(block);

        public int BlockLengthBytes { get; } = file.Shape.BlockLength(block);

        public int ArrivedBytes => Volatile.Read(ref _arrived);

        public FillFailure Failure { get; private set; }

        public bool Write(int offsetInBlockBytes, ReadOnlySpan<byte> bytes)
        {
            Volatile.Write(ref _arrived, offsetInBlockBytes + bytes.Length);
            return Failure == FillFailure.None;
        }

        public ValueTask<bool> CompleteAsync(CancellationToken cancellationToken)
        {
            if (Failure == FillFailure.None)
            {
                file.Show(block);
            }

            return new(Failure == FillFailure.None);
        }

        public void Abort(FillFailure reason)
        {
            if (!file.Has(block))
            {
                Failure = reason;
            }
        }

        public void Dispose() => Abort(FillFailure.Abandoned);

        // Its only reader is its filler, which knows what it wrote: there is nothing to wait for.
        public ValueTask<FillFailure> WaitArrivedAsync(int upToBytes, CancellationToken cancellationToken) => new(Failure);

        public ValueTask<FillFailure> WaitCompletedAsync(CancellationToken cancellationToken) => new(Failure);

        public bool TryPinArrived(int offsetInBlockBytes, int lengthBytes, out ReadPin pin)
        {
            pin = new ReadPin(null, 0, zeros, BlockOffsetBytes + offsetInBlockBytes, lengthBytes);
            return offsetInBlockBytes + lengthBytes <= ArrivedBytes;
        }
    }
}
