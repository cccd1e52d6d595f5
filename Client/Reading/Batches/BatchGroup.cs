using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Frames;

namespace OrleansCache.Reading.Batches;

/// <summary>Files of one silo that are asked for together. The pump's until it is sent, then of the task that reads it.</summary>
internal sealed class BatchGroup
{
    /// <summary>
    /// A batch is sent when it has so many bytes. Long enough that its round trip is nothing, short enough that the first results come
    /// soon and the budget holds several.
    /// </summary>
    public const int FullBytes = 2 << 20;

    private readonly List<BatchSlot> _slots = [];
    private readonly BatchRead[] _reads = new BatchRead[FrameLimits.MaxBatchRanges];
    private int _frameBytes;
    private int _bytes;

    /// <summary>The files, in order.</summary>
    public IReadOnlyList<BatchSlot> Slots => _slots;

    /// <summary>Their ranges, in the same order.</summary>
    public Memory<BatchRead> Reads => _reads.AsMemory(0, _slots.Count);

    /// <summary>Bytes of them all.</summary>
    public int Bytes => _bytes;

    /// <summary>Adds a file that has its memory; false when it does not fit any more.</summary>
    public bool TryAdd(BatchSlot slot)
    {
        var read = new BatchRead(slot.Node!.Entry.Key, 0, slot.Memory, SharedFile.CapabilityOf(slot.Node));
        var frameBytes = _frameBytes + read.FrameBytes;
        var bytes = (long)_bytes + slot.Memory.Length;
        if (_slots.Count > 0
            && (_slots.Count == _reads.Length || _bytes >= FullBytes || bytes > FrameLimits.MaxBatchBytes
                || frameBytes > FrameLimits.MaxRequestPayloadBytes))
        {
            return false;
        }

        _reads[_slots.Count] = read;
        _slots.Add(slot);
        (_frameBytes, _bytes) = (frameBytes, (int)bytes);
        return true;
    }

    /// <summary>Ends all files that have not ended.</summary>
    public void Fault(Exception error) => _slots.ForEach(slot => slot.Fault(error));
}
