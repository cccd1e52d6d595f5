using System.Buffers;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OrleansCache.Files;

namespace OrleansCache.BlockStore.Tiers;

/// <summary>
/// Copies blocks from disk to disk, one at a time, in the background. Nobody waits for it: what does not fit into its queue is
/// not copied. A block whose bytes do not match its checksums is not copied either.
/// </summary>
internal sealed partial class BlockMover : IAsyncDisposable
{
    private readonly long _queuedBytesMax;
    private readonly Pace? _pace;
    private readonly Func<BlockCopy, DiskBlockStore?> _targetOf;
    private readonly ILogger _logger;
    private readonly Channel<(BlockCopy Copy, int Epoch)> _queue = // Bounded by the bytes below.
        Channel.CreateUnbounded<(BlockCopy Copy, int Epoch)>(new UnboundedChannelOptions { SingleReader = true });

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private long _queuedBytes;
    private long _movedBytes;
    private int _epoch;

    public BlockMover(
        long queuedBytesMax, long bytesPerSecond, Func<BlockCopy, DiskBlockStore?> targetOf, TimeProvider time, ILogger logger)
    {
        _queuedBytesMax = queuedBytesMax;
        _pace = bytesPerSecond > 0 ? new Pace(bytesPerSecond, time) : null;
        _targetOf = targetOf;
        _logger = logger;
        _loop = Task.Run(RunAsync);
    }

    public long MovedBytes => Volatile.Read(ref _movedBytes);

    /// <summary>Takes a block over, with its pin; false if there is too much to do: then the pin is still the caller's.</summary>
    public bool TryAdd(in BlockCopy copy)
    {
        var bytes = copy.Shape.BlockDiskBytes(copy.Block);
        if (Interlocked.Add(ref _queuedBytes, bytes) <= _queuedBytesMax && _queue.Writer.TryWrite((copy, Volatile.Read(ref _epoch))))
        {
            return true;
        }

        Interlocked.Add(ref _queuedBytes, -bytes);
        return false;
    }

    /// <summary>What was taken over until now is given up, or taken back if it was copied meanwhile.</summary>
    public void Forget() => Interlocked.Increment(ref _epoch);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _queue.Writer.TryComplete();
        await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        await foreach (var (copy, epoch) in _queue.Reader.ReadAllAsync())
        {
            var moved = 0;
            using (copy.Pin)
            {
                moved = _stop.IsCancellationRequested ? 0 : await TryMoveAsync(copy, epoch);
            }

            Interlocked.Add(ref _queuedBytes, -copy.Shape.BlockDiskBytes(copy.Block));
            Interlocked.Add(ref _movedBytes, moved);
            if (moved > 0 && _pace is not null)
            {
                await PauseAsync(_pace, moved);
            }
        }
    }

    private async Task PauseAsync(Pace pace, int moved)
    {
        try
        {
            await pace.AfterAsync(moved, _stop.Token);
        }
        catch (OperationCanceledException)
        {
            return; // Stopping: the rest of the queue is let go.
        }
    }

    private async Task<int> TryMoveAsync(BlockCopy copy, int epoch)
    {
        try
        {
            return await MoveAsync(copy, epoch);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return 0;
        }
        catch (Exception exception)
        {
            LogNotMoved(exception, copy.Shape.Key, copy.Block);
            return 0;
        }
    }

    private async Task<int> MoveAsync(BlockCopy copy, int epoch)
    {
        if (epoch != Volatile.Read(ref _epoch) || _targetOf(copy) is not { } target)
        {
            return 0;
        }

        var shape = copy.Shape;
        var attempt = await target.BeginFillAsync(
            new FillRequest(shape.Key, shape.LengthBytes, shape.Layout, shape.Source, copy.Block), _stop.Token);
        using var fill = attempt.Fill;
        if (fill is null || !CopyInto(fill, copy) || !await fill.CompleteAsync(CancellationToken.None))
        {
            return 0; // It is there already, there is no room, or the bytes are bad: all the same to us.
        }

        if (epoch != Volatile.Read(ref _epoch))
        {
            await target.DropAsync(shape.Key, CancellationToken.None);
            return 0;
        }

        return shape.BlockLength(copy.Block);
    }

    /// <summary>Compares each chunk before it is written. Ending the fill without its last byte leaves no block.</summary>
    private static bool CopyInto(IBlockFill fill, in BlockCopy copy)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Crc32C.ChunkBytes);
        try
        {
            var done = 0;
            foreach (var expected in copy.Crcs)
            {
                var chunk = buffer.AsSpan(0, Math.Min(Crc32C.ChunkBytes, fill.Progress.BlockLengthBytes - done));
                if (!ReadFully(copy.Pin, done, chunk) || Crc32C.Compute(chunk) != expected || !fill.Write(done, chunk))
                {
                    return false;
                }

                done += chunk.Length;
            }

            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static bool ReadFully(in ReadPin pin, int offsetBytes, Span<byte> into)
    {
        while (into.Length > 0)
        {
            var read = RandomAccess.Read(pin.Handle, into, pin.FileOffsetBytes + offsetBytes);
            if (read == 0)
            {
                return false;
            }

            offsetBytes += read;
            into = into[read..];
        }

        return true;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Block {Block} of {File} could not be copied to another disk")]
    private partial void LogNotMoved(Exception exception, FileKey file, int block);
}
