using System.Buffers;
using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Server;

/// <summary>
/// One request being served. Belongs to its connection's thread; only while it waits does the completing thread write its
/// outcome, before it hands the request back. One that never waited is used again; one that did is not, because a late timer
/// or a late callback of the silo may still know it.
/// </summary>
internal sealed class ServerRequest : IDisposable
{
    private readonly CancellationTokenSource _cancellation = new();
    private ITimer? _deadline;
    private SemaphoreSlim? _budget;
    private byte[]? _buffer;
    private ServerBatch? _batch;

    public FrameType Type { get; private set; }

    public ulong Id { get; private set; }

    public FileKey Key { get; private set; }

    /// <summary>The batch whose ranges this request serves one after the other; null for a request of one range.</summary>
    public ServerBatch? Batch => Type == FrameType.ReadBatch ? _batch : null;

    /// <summary>Where the bytes still owed start.</summary>
    public long OffsetBytes { get; private set; }

    /// <summary>Bytes still owed.</summary>
    public long RemainingBytes { get; private set; }

    /// <summary>Whether everything so far was resident.</summary>
    public bool WasResident { get; set; }

    /// <summary>How often a range that was said to be resident was not.</summary>
    public int LostRaces { get; set; }

    /// <summary>What the wait brought.</summary>
    public ResidencyOutcome Outcome { get; set; }

    /// <summary>Whether the wait was for <see cref="Bytes"/> read past the store.</summary>
    public bool IsReadThrough { get; set; }

    /// <summary>Bytes read past the store.</summary>
    public Memory<byte> Bytes { get; private set; }

    public CancellationToken Token => _cancellation.Token;

    public bool HasWaited { get; private set; }

    public uint DeadlineMs { get; private set; }

    public void Begin(in FrameHeader header, in RangeRequest range)
    {
        (Type, Id, DeadlineMs) = (header.Type, header.RequestId, header.DeadlineMs);
        BeginRange(range);
    }

    /// <summary>Begins a batch, which is empty yet.</summary>
    public ServerBatch BeginBatch(in FrameHeader header)
    {
        (Type, Id, DeadlineMs) = (header.Type, header.RequestId, header.DeadlineMs);
        return _batch ??= new ServerBatch();
    }

    /// <summary>Serves this range now.</summary>
    public void BeginRange(in RangeRequest range)
    {
        (Key, OffsetBytes, RemainingBytes) = (range.Key, range.OffsetBytes, range.LengthBytes);
        (WasResident, LostRaces, IsReadThrough) = (true, 0, false);
    }

    public void Advance(long bytes)
    {
        OffsetBytes += bytes;
        RemainingBytes -= bytes;
    }

    /// <summary>Starts the clock, once: the request is about to wait.</summary>
    public void BeginWait(TimeProvider time, TimeSpan limit)
    {
        if (HasWaited)
        {
            return;
        }

        HasWaited = true;
        var deadline = DeadlineMs == 0 ? limit : TimeSpan.FromMilliseconds(Math.Min(DeadlineMs, limit.TotalMilliseconds));
        _deadline = time.CreateTimer(
            static state => ((ServerRequest)state!).Cancel(), this, deadline, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Gives the request up, if it is not over.</summary>
    public void Cancel()
    {
        try
        {
            _cancellation.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The timer lost the race against the answer.
        }
    }

    /// <summary>Takes a buffer; the budget has been waited for and is given back with it.</summary>
    public Memory<byte> TakeBuffer(SemaphoreSlim budget, int bytes)
    {
        _budget = budget;
        _buffer = ArrayPool<byte>.Shared.Rent(bytes);
        return Bytes = _buffer.AsMemory(0, bytes);
    }

    public void ReturnBuffer()
    {
        if (_buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = null;
            Bytes = default;
            _budget!.Release();
        }
    }

    public void Dispose()
    {
        ReturnBuffer();
        _deadline?.Dispose();
        _cancellation.Dispose();
    }
}
