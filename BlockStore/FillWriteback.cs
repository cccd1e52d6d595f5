using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;
using OrleansCache.BlockStore.Disk;

namespace OrleansCache.BlockStore;

/// <summary>
/// Writes filled blocks back as they come, a bounded number at a time, so that the disk works while fills go on and a barrier
/// finds little to do (docs/design/10-io.md). Nobody waits for it: what it has no place for is left to the kernel and the
/// barrier. A thread of its own waits for the disk, and none of the pool.
/// </summary>
internal sealed class FillWriteback : IAsyncDisposable
{
    /// <summary>Smaller blocks wait for the barrier: a trip to the disk each would keep it from everything else.</summary>
    public const int BytesMin = 1 << 18;

    private const int WaitingMax = 64; // 256 MiB at the default block size: a quarter of a second of a good disk.

    private readonly IDiskIo _io;
    private readonly int _depth;
    private readonly Action<IOException> _failed;
    private readonly BlockingCollection<Range> _waiting = new(WaitingMax);
    private readonly Task _loop;
    private volatile bool _closing;

    /// <param name="io">The disk.</param>
    /// <param name="depth">Blocks on their way to the disk at once.</param>
    /// <param name="failed">Told when the disk did not take a block.</param>
    public FillWriteback(IDiskIo io, int depth, Action<IOException> failed)
    {
        _io = io;
        _depth = depth;
        _failed = failed;
        _loop = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Asks for the writeback of a range. The file may be punched or closed meanwhile: then there is nothing to write.</summary>
    public void Offer(SafeFileHandle handle, long offsetBytes, long lengthBytes) =>
        _waiting.TryAdd(new(handle, offsetBytes, lengthBytes));

    /// <summary>Ends once what is on its way has arrived; the rest is left to the last barrier. Nothing may be offered any more.</summary>
    public async ValueTask DisposeAsync()
    {
        _closing = true;
        _waiting.CompleteAdding();
        await _loop;
        _waiting.Dispose();
    }

    private void Run()
    {
        var started = new Queue<Range>(_depth);
        while (true)
        {
            while (started.Count < _depth && _waiting.TryTake(out var range, started.Count == 0 ? Timeout.Infinite : 0) && !_closing)
            {
                Do(range, static (io, one) => io.BeginWriteback(one.Handle, one.OffsetBytes, one.LengthBytes));
                started.Enqueue(range);
            }

            if (!started.TryDequeue(out var oldest))
            {
                return;
            }

            Do(oldest, static (io, one) => io.AwaitWriteback(one.Handle, one.OffsetBytes, one.LengthBytes));
        }
    }

    private void Do(in Range range, Action<IDiskIo, Range> call)
    {
        try
        {
            call(_io, range);
        }
        catch (ObjectDisposedException)
        {
            return; // Closed as idle, or removed.
        }
        catch (IOException exception)
        {
            _failed(exception);
        }
    }

    private readonly record struct Range(SafeFileHandle Handle, long OffsetBytes, long LengthBytes);
}
