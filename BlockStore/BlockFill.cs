using Microsoft.Win32.SafeHandles;
using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Index;

namespace OrleansCache.BlockStore;

/// <summary>
/// One fill under way. The filler writes and checksums; readers follow <see cref="ArrivedBytes"/>.
/// States: filling -> completing (record on its way) -> done, or filling/completing -> failed. The bytes of a failed fill
/// are punched by the reaper, after which <see cref="Released"/> completes and the block may be filled anew.
/// </summary>
internal sealed class BlockFill : IBlockFill, IFillProgress
{
    private const int Filling = 0, Completing = 1, Done = 2, Failed = 3;

    private readonly IFillHost _host;
    private readonly IDiskIo _io;
    private readonly SafeFileHandle _handle;
    private readonly long _diskOffsetBytes;
    private readonly Lock _waitGate = new();
    private readonly List<(int UpToBytes, TaskCompletionSource<FillFailure> Arrived)> _waiters = [];
    private readonly TaskCompletionSource<FillFailure> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private uint _crc = ~0u;
    private int _arrived;
    private int _state;
    private byte _failure;

    public BlockFill(IFillHost host, IDiskIo io, CachedFile file, int block, SafeFileHandle handle)
        : this(host, io, file, file.Shape, block, handle, file.Shape.Layout.StartOf(block))
    {
    }

    /// <summary>A fill whose bytes lie at an offset that is not the block's own.</summary>
    public BlockFill(
        IFillHost host, IDiskIo io, IFillPlace place, in FileShape shape, int block, SafeFileHandle handle, long diskOffsetBytes)
    {
        _host = host;
        _io = io;
        _handle = handle;
        _diskOffsetBytes = diskOffsetBytes;
        Place = place;
        Block = block;
        BlockOffsetBytes = shape.Layout.StartOf(block);
        BlockLengthBytes = shape.BlockLength(block);
        DiskBytes = shape.BlockDiskBytes(block);
        Crcs = new uint[shape.CrcCount(block)];
    }

    public IFillPlace Place { get; }

    /// <summary>The cache file, of a fill that writes to one.</summary>
    public CachedFile File => (CachedFile)Place;

    public int Block { get; }

    public long DiskBytes { get; }

    public uint[] Crcs { get; }

    public SafeFileHandle Handle => _handle;

    /// <summary>
    /// A record of it may be durable, so its bytes must not be punched before a gone record is: it failed while completing.
    /// </summary>
    public bool MayBeRecorded { get; private set; }

    /// <summary>The block may be filled again.</summary>
    public TaskCompletionSource Released { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool HasFailed => Volatile.Read(ref _state) == Failed;

    public Task<FillFailure> Ended => _ended.Task;

    public long Generation => Place.Generation;

    public long BlockOffsetBytes { get; }

    public int BlockLengthBytes { get; }

    public int ArrivedBytes => Volatile.Read(ref _arrived);

    public FillFailure Failure => (FillFailure)Volatile.Read(ref _failure);

    public IFillProgress Progress => this;

    public bool Write(int offsetInBlockBytes, ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(offsetInBlockBytes, _arrived);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, BlockLengthBytes - _arrived);
        // Counted as a reader, so that a punch after an abort from elsewhere waits for this write.
        var slot = Place.Pin();
        try
        {
            if (Volatile.Read(ref _state) != Filling)
            {
                return false;
            }

            _io.Write(_handle, bytes, _diskOffsetBytes + offsetInBlockBytes);
        }
        catch (IOException exception)
        {
            Abort(_host.OnWriteFailed(exception));
            return false;
        }
        finally
        {
            Place.Unpin(slot);
        }

        AddToCrcs(offsetInBlockBytes, bytes);
        Arrive(offsetInBlockBytes + bytes.Length);
        return true;
    }

    public async ValueTask<bool> CompleteAsync(CancellationToken cancellationToken)
    {
        if (_arrived != BlockLengthBytes && !HasFailed)
        {
            throw new InvalidOperationException($"the fill has {_arrived} of {BlockLengthBytes} bytes and cannot be completed");
        }

        if (Interlocked.CompareExchange(ref _state, Completing, Filling) == Filling)
        {
            _host.Finish(this);
        }

        return await _ended.Task.WaitAsync(cancellationToken) == FillFailure.None;
    }

    public void Abort(FillFailure reason)
    {
        if (Interlocked.CompareExchange(ref _state, Failed, Filling) == Filling)
        {
            Fail(reason);
        }
    }

    public void Dispose() => Abort(FillFailure.Abandoned);

    public ValueTask<FillFailure> WaitArrivedAsync(int upToBytes, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(upToBytes, BlockLengthBytes);
        TaskCompletionSource<FillFailure> arrived;
        lock (_waitGate)
        {
            if (Failure != FillFailure.None || ArrivedBytes >= upToBytes)
            {
                return new(Failure);
            }

            arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((upToBytes, arrived)); // Bounded by the readers that wait here at once.
        }

        return new(arrived.Task.WaitAsync(cancellationToken));
    }

    public ValueTask<FillFailure> WaitCompletedAsync(CancellationToken cancellationToken) =>
        new(_ended.Task.WaitAsync(cancellationToken));

    public bool TryPinArrived(int offsetInBlockBytes, int lengthBytes, out ReadPin pin)
    {
        pin = default;
        if (offsetInBlockBytes < 0 || lengthBytes <= 0 || offsetInBlockBytes > ArrivedBytes - lengthBytes)
        {
            return false;
        }

        var slot = Place.Pin();
        var state = Volatile.Read(ref _state);
        var handle = state is Filling or Completing ? _handle
            : state == Done ? Place.ShownHandle(Block)
            : null;
        if (handle is null)
        {
            Place.Unpin(slot);
            return false;
        }

        pin = new ReadPin(Place, slot, handle, _diskOffsetBytes + offsetInBlockBytes, lengthBytes);
        return true;
    }

    /// <summary>From now on readers go through the store. Called by the host with the block shown, under the file's gate.</summary>
    public void MarkDone() => Volatile.Write(ref _state, Done);

    /// <summary>The block is visible. Called by the host after <see cref="MarkDone"/>.</summary>
    public void Succeed() => _ended.TrySetResult(FillFailure.None);

    /// <summary>The record could not be made durable, or the file was dropped meanwhile. Called by the host, once.</summary>
    public void FailCompleting(FillFailure reason)
    {
        MayBeRecorded = true;
        Volatile.Write(ref _state, Failed);
        Fail(reason);
    }

    private void Fail(FillFailure reason)
    {
        List<(int UpToBytes, TaskCompletionSource<FillFailure> Arrived)> waiters;
        lock (_waitGate)
        {
            Volatile.Write(ref _failure, (byte)reason);
            waiters = [.. _waiters];
            _waiters.Clear();
        }

        foreach (var (_, arrived) in waiters)
        {
            arrived.TrySetResult(reason);
        }

        _ended.TrySetResult(reason);
        _host.OnFailed(this);
    }

    private void Arrive(int arrivedBytes)
    {
        lock (_waitGate)
        {
            Volatile.Write(ref _arrived, arrivedBytes);
            for (var i = _waiters.Count - 1; i >= 0; i--)
            {
                if (_waiters[i].UpToBytes <= arrivedBytes)
                {
                    _waiters[i].Arrived.TrySetResult(FillFailure.None);
                    _waiters.RemoveAt(i);
                }
            }
        }
    }

    private void AddToCrcs(int offset, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var room = Crc32C.ChunkBytes - (offset % Crc32C.ChunkBytes);
            var part = bytes[..Math.Min(room, bytes.Length)];
            _crc = Crc32C.Update(_crc, part);
            offset += part.Length;
            bytes = bytes[part.Length..];
            if (offset % Crc32C.ChunkBytes == 0 || offset == BlockLengthBytes)
            {
                Crcs[(offset - 1) / Crc32C.ChunkBytes] = ~_crc;
                _crc = ~0u;
            }
        }
    }
}

/// <summary>What a fill needs of its store.</summary>
internal interface IFillHost
{
    /// <summary>All bytes are written: make the record durable, then show the block.</summary>
    void Finish(BlockFill fill);

    /// <summary>The fill has ended without a block: give its bytes back.</summary>
    void OnFailed(BlockFill fill);

    /// <summary>A write failed; says what that means.</summary>
    FillFailure OnWriteFailed(IOException exception);
}
