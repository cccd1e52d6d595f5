using System.Threading.Channels;
using Microsoft.Win32.SafeHandles;
using OrleansCache.BlockStore.Disk;
using OrleansCache.BlockStore.Index;

namespace OrleansCache.BlockStore;

/// <summary>
/// Writes filled blocks back as they come, a bounded number at a time, so that a barrier finds little to do and fills leave
/// the disk free for reads (docs/design/10-io.md). Who has filled a block waits here, in order, while the disk is behind:
/// that is what slows fills down to the disk's pace. One loop waits for the disk.
/// </summary>
internal sealed class FillWriteback : IAsyncDisposable
{
    /// <summary>Smaller blocks wait for the barrier: one trip to the disk each would make small files crawl.</summary>
    public const int BytesMin = 1 << 18;

    private readonly IDiskIo _io;
    private readonly Action<IOException> _failed;
    private readonly SemaphoreSlim _room;
    private readonly Channel<Range> _ranges = Channel.CreateUnbounded<Range>(new() { SingleReader = true }); // Bounded by the room.
    private readonly Task _loop;

    /// <param name="io">The disk.</param>
    /// <param name="depth">Blocks on their way to the disk at once.</param>
    /// <param name="failed">Told when the disk did not take a block.</param>
    public FillWriteback(IDiskIo io, int depth, Action<IOException> failed)
    {
        _io = io;
        _failed = failed;
        _room = new SemaphoreSlim(depth);
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Starts the writeback of a range once there is room; the file's bytes stay until it has ended.</summary>
    public async ValueTask AddAsync(CachedFile file, SafeFileHandle handle, long offsetBytes, long lengthBytes)
    {
        await _room.WaitAsync();
        var slot = file.Pins.Enter();
        if (!_ranges.Writer.TryWrite(new(file, slot, handle, offsetBytes, lengthBytes)))
        {
            file.Pins.Exit(slot); // Closing: the last barrier writes it back.
            _room.Release();
        }
    }

    /// <summary>Ends once all that was added has been written back.</summary>
    public async ValueTask DisposeAsync()
    {
        _ranges.Writer.TryComplete();
        await _loop;
    }

    private async Task RunAsync()
    {
        var started = new Queue<Range>();
        while (started.Count > 0 || await _ranges.Reader.WaitToReadAsync())
        {
            while (_ranges.Reader.TryRead(out var range))
            {
                Do(range, static (io, one) => io.BeginWriteback(one.Handle, one.OffsetBytes, one.LengthBytes));
                started.Enqueue(range);
            }

            var oldest = started.Dequeue();
            Do(oldest, static (io, one) => io.AwaitWriteback(one.Handle, one.OffsetBytes, one.LengthBytes));
            oldest.File.Pins.Exit(oldest.Slot);
            _room.Release();
        }
    }

    private void Do(in Range range, Action<IDiskIo, Range> call)
    {
        try
        {
            call(_io, range);
        }
        catch (IOException exception)
        {
            _failed(exception);
        }
    }

    private readonly record struct Range(CachedFile File, int Slot, SafeFileHandle Handle, long OffsetBytes, long LengthBytes);
}
