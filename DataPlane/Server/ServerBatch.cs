using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Server;

/// <summary>The ranges of one batch and how far it is. Its connection's thread only. A few KiB, used again with its request.</summary>
internal sealed class ServerBatch
{
    /// <summary>
    /// Ranges filled beyond the one whose bytes are waited for: with those of other batches enough for the silo's prefetches, and few
    /// enough that a batch that is given up leaves little behind.
    /// </summary>
    public const int LookAheadRanges = 16;

    private readonly RangeRequest[] _ranges = new RangeRequest[FrameLimits.MaxBatchRanges];
    private readonly ReadStatus[] _rights = new ReadStatus[FrameLimits.MaxBatchRanges];
    private int _count;
    private int _next;
    private int _ahead;

    /// <summary>Whether there are ranges after the present one.</summary>
    public bool HasNext => _next < _count;

    /// <summary>Reads all ranges of a frame; false when it is malformed.</summary>
    public bool TryRead(ReadOnlySpan<byte> payload)
    {
        (_count, _next, _ahead) = (0, 0, 0);
        var bytes = 0L;
        do
        {
            if (_count == _ranges.Length || !BatchCodec.TryTake(ref payload, out _ranges[_count], out _))
            {
                return false;
            }

            bytes += _ranges[_count].LengthBytes;
            _rights[_count++] = ReadStatus.Ok;
        }
        while (payload.Length > 0);

        return bytes <= FrameLimits.MaxBatchBytes;
    }

    /// <summary>What presenting the capability of a range brought.</summary>
    public void SetRight(int index, ReadStatus status) => _rights[index] = status;

    /// <summary>Goes on to the next range.</summary>
    /// <param name="right">Not Ok: it ends with this.</param>
    public RangeRequest TakeNext(out ReadStatus right)
    {
        right = _ranges[_next].IsRange ? _rights[_next] : ReadStatus.InvalidRequest;
        return _ranges[_next++];
    }

    /// <summary>The next range to fill ahead of its turn, if there is one near enough that was not named before.</summary>
    public bool TryLookAhead(out RangeRequest range)
    {
        for (_ahead = Math.Max(_ahead, _next); _ahead < Math.Min(_count, _next + LookAheadRanges);)
        {
            range = _ranges[_ahead];
            if (_rights[_ahead++] == ReadStatus.Ok && range.IsRange)
            {
                return true;
            }
        }

        range = default;
        return false;
    }
}
