using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Connections;

/// <summary>Batches.</summary>
public sealed partial class BlockConnection
{
    // Credits: what may have been asked for and not come yet is this many times MaxBatchBytes. Two keep the line busy, one being
    // received and one being asked for; two more hide a caller that is late. More would only wait in the server.
    private const int MaxBatchesInFlight = 4;

    /// <summary>Batches that have not been answered.</summary>
    internal int BatchesInFlight => MaxBatchesInFlight - _batchCredits.CurrentCount;

    /// <inheritdoc/>
    public ValueTask<ReadOutcome> ReadBatchAsync(Memory<BatchRead> reads, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ReadOutcome>(cancellationToken);
        }

        if (MaxBatchBytes == 0)
        {
            return new(new ReadOutcome(ReadStatus.NotSupported, 0, false));
        }

        var payloadBytes = CheckBatch(reads.Span);
        if (_closed)
        {
            return new(new ReadOutcome(ReadStatus.Unavailable, 0, false));
        }

        if (!_batchCredits.Wait(0, CancellationToken.None))
        {
            return ReadBatchWhenFreeAsync(reads, payloadBytes, hasCredit: false, cancellationToken);
        }

        return TryTakeSlot(out var request)
            ? StartBatch(request, reads, payloadBytes, cancellationToken)
            : ReadBatchWhenFreeAsync(reads, payloadBytes, hasCredit: true, cancellationToken);
    }

    private int CheckBatch(ReadOnlySpan<BatchRead> reads)
    {
        var bytes = 0L;
        var payloadBytes = 0;
        foreach (ref readonly var read in reads)
        {
            if (read.Destination.IsEmpty)
            {
                throw new ArgumentException("a range of a batch is empty", nameof(reads));
            }

            bytes += read.Destination.Length;
            payloadBytes += read.FrameBytes;
        }

        return reads.Length is > 0 and <= FrameLimits.MaxBatchRanges
            && bytes <= MaxBatchBytes && payloadBytes <= FrameLimits.MaxRequestPayloadBytes
            ? payloadBytes
            : throw new ArgumentException($"{reads.Length} ranges of {bytes} bytes, {payloadBytes} to ask, are no batch", nameof(reads));
    }

    private async ValueTask<ReadOutcome> ReadBatchWhenFreeAsync(
        Memory<BatchRead> reads, int payloadBytes, bool hasCredit, CancellationToken cancellationToken)
    {
        if (!hasCredit && !await _batchCredits.WaitAsync(_options.RequestTimeout, cancellationToken).ConfigureAwait(false))
        {
            return new ReadOutcome(ReadStatus.DeadlineExceeded, 0, false);
        }

        PendingRequest? request = null;
        try
        {
            request = await WaitForSlotAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (request is null)
            {
                _batchCredits.Release(); // Else the request gives it back.
            }
        }

        return request is null
            ? new ReadOutcome(ReadStatus.DeadlineExceeded, 0, false)
            : await StartBatch(request, reads, payloadBytes, cancellationToken).ConfigureAwait(false);
    }

    private ValueTask<ReadOutcome> StartBatch(
        PendingRequest request, Memory<BatchRead> reads, int payloadBytes, CancellationToken cancellationToken)
    {
        request.BeginBatch(reads, Now + _timeoutTicks);
        Span<byte> frame = stackalloc byte[FrameHeader.Bytes + payloadBytes];
        new FrameHeader(FrameType.ReadBatch, FrameFlags.None, ReadStatus.Ok, payloadBytes, request.Id, DeadlineMs: _timeoutMs).Write(frame);
        var at = FrameHeader.Bytes;
        foreach (ref readonly var read in reads.Span)
        {
            at += BatchCodec.Write(new RangeRequest(read.Key, read.OffsetBytes, read.Destination.Length), read.Capability, frame[at..]);
        }

        var (version, id) = (request.Version, request.Id);
        Send(request, frame, cancellationToken);
        request.WaitIfSynchronous(id, _options.RequestTimeout);
        return new ValueTask<ReadOutcome>(request, version);
    }

    private bool ReceiveBatch(PendingRequest request, in FrameHeader header)
    {
        // As with a read: what does not fit the ranges that were asked for ends the connection before it gets near a buffer.
        var missing = request.MissingBytes;
        var isLast = request.IsLastRange;
        var isOk = header.Status == ReadStatus.Ok;
        var endsRange = !isOk || header.PayloadBytes == missing;
        var fits = isOk
            ? header.PayloadBytes > 0 && header.PayloadBytes <= missing && header.HasMore == !(endsRange && isLast)
            : header.PayloadBytes == 0 && !(header.HasMore && isLast);
        if (!fits || !ReceivePieces(request, header.PayloadBytes))
        {
            return false;
        }

        var wasResident = (header.Flags & FrameFlags.Resident) != 0;
        if (endsRange && (header.HasMore || isLast))
        {
            request.EndRange(header.Status, wasResident);
        }

        if (!header.HasMore)
        {
            // A status that ends the batch early is that of all ranges not answered; at the last one it was that range's.
            request.Complete(new RawAnswer(isLast ? ReadStatus.Ok : header.Status, wasResident));
        }

        return true;
    }
}
