using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Server;

/// <summary>
/// Batches: one request that reads many ranges, one after the other, each as a read of its own would be. What a range ends with is
/// its answer, and the batch goes on. Once a range had to be waited for, those after it are filled ahead of their turn.
/// </summary>
internal sealed partial class ServerConnection
{
    // A client of ours has four on their way. A waiting one is 2 KiB: this is what somebody else can make us keep.
    private const int MaxWaitingBatches = 16;

    private FrameError OnBatch(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if ((_agreed & Features.Batches) == 0)
        {
            Answer(header, ReadStatus.NotSupported);
            return FrameError.None;
        }

        if (_waiting.ContainsKey(header.RequestId))
        {
            return FrameError.DuplicateRequest;
        }

        if (_waiting.Count >= MaxWaitingBatches && CountWaitingBatches() >= MaxWaitingBatches)
        {
            Answer(header, ReadStatus.Unavailable);
            return FrameError.None;
        }

        var request = Rent();
        var batch = request.BeginBatch(header);
        if (!batch.TryRead(payload))
        {
            Return(request);
            return FrameError.Payload;
        }

        for (var index = 0; BatchCodec.TryTake(ref payload, out _, out var capability); index++)
        {
            if (!capability.IsEmpty)
            {
                batch.SetRight(index, Present(FrameType.ReadBatch, capability));
            }
        }

        if (BeginNextRange(request))
        {
            Advance(request);
        }

        return FrameError.None;
    }

    /// <summary>Goes on to the next range that can be served; false when the batch is over.</summary>
    private bool BeginNextRange(ServerRequest request)
    {
        var batch = request.Batch!;
        while (batch.HasNext)
        {
            var range = batch.TakeNext(out var right);
            var isGivenUp = request.Token.IsCancellationRequested;
            if (right == ReadStatus.Ok && !isGivenUp)
            {
                request.BeginRange(range);
                if (request.HasWaited)
                {
                    LookAhead(batch);
                }

                return true;
            }

            var flags = FrameFlags.Answer | (batch.HasNext && !isGivenUp ? FrameFlags.More : FrameFlags.None);
            var status = isGivenUp ? ReadStatus.DeadlineExceeded : right;
            if (!SendHeader(new FrameHeader(FrameType.ReadBatch, flags, status, 0, request.Id)) || isGivenUp)
            {
                break;
            }
        }

        Return(request);
        return false;
    }

    private int CountWaitingBatches()
    {
        var count = 0;
        foreach (var request in _waiting.Values)
        {
            count += request.Batch is null ? 0 : 1;
        }

        return count;
    }

    private void LookAhead(ServerBatch batch)
    {
        while (batch.TryLookAhead(out var range))
        {
            Prefetch(range);
        }
    }
}
