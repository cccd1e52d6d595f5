using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Connections;

/// <summary>
/// A batch: its ranges are filled one after the other. The lengths are kept here, because what the server still sends has to be
/// told apart also when the caller has gone and its array is used for something else.
/// </summary>
internal sealed partial class PendingRequest
{
    private Memory<BatchRead> _reads;
    private int[]? _lengths;
    private int _count;
    private int _index;
    private int _before;

    /// <summary>Whether the range being received is the last one.</summary>
    public bool IsLastRange => _index == _count - 1;

    public void BeginBatch(Memory<BatchRead> reads, long deadline)
    {
        _lengths ??= new int[FrameLimits.MaxBatchRanges];
        var span = reads.Span;
        for (var index = 0; index < span.Length; index++)
        {
            _lengths[index] = span[index].Destination.Length;
            (span[index].Answer, span[index].WasResident) = (null, false);
        }

        (_reads, _count, _index) = (reads, span.Length, 0);
        Begin(FrameType.ReadBatch, span[0].Destination, deadline);
    }

    /// <summary>The range being received has its answer; what comes now is the next one's.</summary>
    public void EndRange(ReadStatus status, bool wasResident)
    {
        lock (_lock)
        {
            var isWanted = _phase == Phase.Waiting;
            if (isWanted)
            {
                ref var read = ref _reads.Span[_index];
                (read.Answer, read.WasResident) = (status, wasResident);
            }

            _before += _filled;
            (_filled, _wanted) = (0, 0);
            if (++_index < _count)
            {
                _wanted = _lengths![_index];
                _destination = isWanted ? _reads.Span[_index].Destination : default;
            }
        }
    }
}
