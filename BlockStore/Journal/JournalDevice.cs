using System.Globalization;
using FASTER.core;
using Microsoft.Win32.SafeHandles;
using OrleansCache.BlockStore.Disk;
using OrleansCache.Linux;

namespace OrleansCache.BlockStore.Journal;

/// <summary>
/// The journal's bytes as segment files. Ours and not FASTER's device, for two reasons: a write counts only when it is on
/// the device (O_DSYNC, and the directory is synced when a segment is born), and all I/O runs on one thread of its own, so
/// that a commit's callbacks come in order and never inside FASTER's epoch. The queue is bounded by FASTER's page buffer.
/// </summary>
internal sealed class JournalDevice : StorageDeviceBase
{
    private const int SectorBytes = 512;
    private const uint Failed = 5; // EIO: FASTER only looks at zero or not.

    private readonly IDiskIo _io;
    private readonly string _directory;
    private readonly Lock _gate = new();
    private readonly Queue<Request> _requests = new();
    private readonly SemaphoreSlim _pending = new(0);
    private readonly Dictionary<int, SafeFileHandle> _segments = [];
    private readonly Thread _thread;
    private volatile bool _closed;

    public JournalDevice(IDiskIo io, string directory)
        : base(Path.Combine(directory, "journal"), SectorBytes, -1)
    {
        _io = io;
        _directory = directory;
        _thread = new Thread(Run) { Name = "ocache journal", IsBackground = true };
        _thread.Start();
    }

    private enum Operation
    {
        Read,
        Write,
        Remove,
    }

    /// <summary>The first failure of a read or write, for the message.</summary>
    public Exception? Failure { get; private set; }

    public override void WriteAsync(
        nint sourceAddress, int segmentId, ulong destinationAddress, uint numBytesToWrite, DeviceIOCompletionCallback callback, object context) =>
        Enqueue(new(Operation.Write, segmentId, destinationAddress, sourceAddress, numBytesToWrite, callback, context, null, null));

    public override void ReadAsync(
        int segmentId, ulong sourceAddress, nint destinationAddress, uint readLength, DeviceIOCompletionCallback callback, object context) =>
        Enqueue(new(Operation.Read, segmentId, sourceAddress, destinationAddress, readLength, callback, context, null, null));

    public override void RemoveSegmentAsync(int segment, AsyncCallback callback, IAsyncResult result) =>
        Enqueue(new(Operation.Remove, segment, 0, 0, 0, null, null, callback, result));

    public override void Dispose()
    {
        _closed = true;
        _pending.Release();
        _thread.Join();
        foreach (var handle in _segments.Values)
        {
            handle.Dispose();
        }

        _segments.Clear();
        _pending.Dispose();
    }

    private void Enqueue(in Request request)
    {
        lock (_gate)
        {
            _requests.Enqueue(request);
        }

        _pending.Release();
    }

    private void Run()
    {
        while (true)
        {
            _pending.Wait();
            Request request;
            lock (_gate)
            {
                if (!_requests.TryDequeue(out request))
                {
                    if (_closed)
                    {
                        return;
                    }

                    continue;
                }
            }

            Execute(request);
        }
    }

    private void Execute(in Request request)
    {
        if (request.Operation == Operation.Remove)
        {
            Remove(request.Segment);
            request.Removed?.Invoke(request.Result!);
            return;
        }

        uint error = 0;
        try
        {
            Transfer(request);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The error travels to every waiter through FASTER's commit task; the store logs it once there.
            Failure ??= exception;
            error = Failed;
        }

        request.Callback!(error, request.LengthBytes, request.Context);
    }

    private void Remove(int segment)
    {
        if (_segments.Remove(segment, out var handle))
        {
            handle.Dispose();
        }

        try
        {
            _io.Unlink(PathOf(segment));
        }
        catch (IOException)
        {
            return; // Costs its space, not the process: after the next start FASTER removes all segments from 0 on again.
        }
    }

    private unsafe void Transfer(in Request request)
    {
        var file = Segment(request.Segment);
        var bytes = new Span<byte>((void*)request.Memory, checked((int)request.LengthBytes));
        if (request.Operation == Operation.Write)
        {
            _io.Write(file, bytes, (long)request.OffsetBytes);
            return;
        }

        // Behind the end: FASTER reads whole pages and knows how far it committed.
        bytes[_io.ReadFully(file, bytes, (long)request.OffsetBytes)..].Clear();
    }

    private SafeFileHandle Segment(int segment)
    {
        if (_segments.TryGetValue(segment, out var open))
        {
            return open;
        }

        var path = PathOf(segment);
        var isNew = !File.Exists(path);
        var handle = _io.Open(path, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.DataSync);
        _segments.Add(segment, handle);
        if (isNew)
        {
            _io.SyncDirectory(_directory);
        }

        return handle;
    }

    private string PathOf(int segment) =>
        Path.Combine(_directory, string.Create(CultureInfo.InvariantCulture, $"segment.{segment:d8}"));

    private readonly record struct Request(
        Operation Operation,
        int Segment,
        ulong OffsetBytes,
        nint Memory,
        uint LengthBytes,
        DeviceIOCompletionCallback? Callback,
        object? Context,
        AsyncCallback? Removed,
        IAsyncResult? Result);
}
