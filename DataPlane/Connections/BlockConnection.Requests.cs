using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Server;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Connections;

/// <summary>The requests.</summary>
public sealed partial class BlockConnection
{
    /// <inheritdoc/>
    public ValueTask<ReadOutcome> ReadAsync(
        FileKey key, long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ReadOutcome>(cancellationToken);
        }

        if (destination.IsEmpty)
        {
            return new(new ReadOutcome(ReadStatus.Ok, 0, true));
        }

        if (destination.Length > MaxReadBytes)
        {
            return ReadSplitAsync(key, offsetBytes, destination, cancellationToken);
        }

        if (_closed)
        {
            return new(new ReadOutcome(ReadStatus.Unavailable, 0, false));
        }

        if (!TryTakeSlot(out var request))
        {
            return ReadWhenFreeAsync(key, offsetBytes, destination, cancellationToken);
        }

        return StartRead(request, key, offsetBytes, destination, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<ResidencyOutcome> EnsureAsync(
        FileKey key, long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var payload = new byte[RangeRequest.Bytes];
        new RangeRequest(key, offsetBytes, lengthBytes).Write(payload);
        var answer = await AskAsync(FrameType.Ensure, payload, cancellationToken).ConfigureAwait(false);
        if (answer.Status != ReadStatus.Ok)
        {
            return new ResidencyOutcome(answer.Status, 0, 0, answer.WasResident);
        }

        if (!EnsureAnswer.TryRead(answer.Payload, out var ensured))
        {
            Break();
            return new ResidencyOutcome(ReadStatus.Unavailable, 0, 0, false);
        }

        return new ResidencyOutcome(ReadStatus.Ok, ensured.Generation, ensured.AvailableBytes, answer.WasResident);
    }

    /// <inheritdoc/>
    public async ValueTask<ReadStatus> PresentAsync(ReadCapability capability, CancellationToken cancellationToken)
    {
        var payload = new byte[capability.EncodedBytes];
        capability.Encode(payload);
        return (await AskAsync(FrameType.Present, payload, cancellationToken).ConfigureAwait(false)).Status;
    }

    /// <inheritdoc/>
    public async ValueTask<LeaseOutcome> LeaseAsync(FileKey key, CancellationToken cancellationToken)
    {
        if (!PassesDescriptors)
        {
            return new LeaseOutcome(ReadStatus.NotSupported, null);
        }

        var payload = new byte[KeyCodec.Bytes];
        KeyCodec.Write(key, payload);
        var answer = await AskAsync(FrameType.Lease, payload, cancellationToken).ConfigureAwait(false);
        if (answer.Status == ReadStatus.Ok
            && answer.Descriptor is { IsInvalid: false } descriptor
            && LeaseAnswer.TryRead(answer.Payload, out var lease))
        {
            var bitmap = answer.Payload.AsMemory(LeaseAnswer.FixedBytes);
            return new LeaseOutcome(
                ReadStatus.Ok,
                new ResidencyLease(descriptor, lease.Generation, lease.LengthBytes, lease.BlockSizeBytes, bitmap, lease.IsComplete));
        }

        answer.Descriptor?.Dispose();
        if (answer.Status != ReadStatus.Ok)
        {
            return new LeaseOutcome(answer.Status, null);
        }

        Break();
        return new LeaseOutcome(ReadStatus.Unavailable, null);
    }

    /// <inheritdoc/>
    public ValueTask<ReadStatus> PrefetchAsync(
        FileKey key, long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Span<byte> frame = stackalloc byte[FrameHeader.Bytes + RangeRequest.Bytes];
        new FrameHeader(FrameType.Prefetch, FrameFlags.None, ReadStatus.Ok, RangeRequest.Bytes, 0).Write(frame);
        new RangeRequest(key, offsetBytes, lengthBytes).Write(frame[FrameHeader.Bytes..]);
        return new(Tell(frame));
    }

    /// <inheritdoc/>
    public ValueTask<ReadStatus> ReportAsync(ReadOnlyMemory<UsageReport> reports, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ArgumentOutOfRangeException.ThrowIfGreaterThan(reports.Length, FrameLimits.MaxReports, nameof(reports));
        if (reports.IsEmpty)
        {
            return new(ReadStatus.Ok);
        }

        var payloadBytes = reports.Length * ReportCodec.EntryBytes;
        Span<byte> frame = stackalloc byte[FrameHeader.Bytes + payloadBytes];
        new FrameHeader(FrameType.Report, FrameFlags.None, ReadStatus.Ok, payloadBytes, 0).Write(frame);
        var at = FrameHeader.Bytes;
        foreach (var report in reports.Span)
        {
            ReportCodec.Write(report, frame[at..]);
            at += ReportCodec.EntryBytes;
        }

        return new(Tell(frame));
    }

    /// <inheritdoc/>
    public async ValueTask<StatusOutcome> GetStatusAsync(CancellationToken cancellationToken)
    {
        var answer = await AskAsync(FrameType.Status, default, cancellationToken).ConfigureAwait(false);
        return new StatusOutcome(answer.Status, answer.Payload);
    }

    private ValueTask<ReadOutcome> StartRead(
        PendingRequest request, FileKey key, long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
    {
        request.Begin(FrameType.Read, destination, Now + _timeoutTicks);
        Span<byte> frame = stackalloc byte[FrameHeader.Bytes + RangeRequest.Bytes];
        new FrameHeader(FrameType.Read, FrameFlags.None, ReadStatus.Ok, RangeRequest.Bytes, request.Id, DeadlineMs: _timeoutMs)
            .Write(frame);
        new RangeRequest(key, offsetBytes, destination.Length).Write(frame[FrameHeader.Bytes..]);
        var (version, id) = (request.Version, request.Id);
        Send(request, frame, cancellationToken, isSmall: destination.Length <= LargestLedBytes);
        request.WaitIfSynchronous(id, _options.RequestTimeout);
        return new ValueTask<ReadOutcome>(request, version);
    }

    private async ValueTask<ReadOutcome> ReadWhenFreeAsync(
        FileKey key, long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var request = await WaitForSlotAsync(cancellationToken).ConfigureAwait(false);
        return request is null
            ? new ReadOutcome(ReadStatus.DeadlineExceeded, 0, false)
            : await StartRead(request, key, offsetBytes, destination, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>One request after the other: the socket is one stream anyway, and a failure leaves no holes.</summary>
    private async ValueTask<ReadOutcome> ReadSplitAsync(
        FileKey key, long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var read = 0;
        var wasResident = true;
        while (read < destination.Length)
        {
            var part = destination.Slice(read, Math.Min(MaxReadBytes, destination.Length - read));
            var outcome = await ReadAsync(key, offsetBytes + read, part, cancellationToken).ConfigureAwait(false);
            read += outcome.Bytes;
            wasResident &= outcome.WasResident;
            if (outcome.Status != ReadStatus.Ok)
            {
                return new ReadOutcome(outcome.Status, read, wasResident);
            }
        }

        return new ReadOutcome(ReadStatus.Ok, read, wasResident);
    }

    /// <summary>A request whose answer has its payload in an array of its own.</summary>
    private async ValueTask<RawAnswer> AskAsync(FrameType type, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_closed)
        {
            return new RawAnswer(ReadStatus.Unavailable);
        }

        if (!TryTakeSlot(out var request))
        {
            var waited = await WaitForSlotAsync(cancellationToken).ConfigureAwait(false);
            if (waited is null)
            {
                return new RawAnswer(ReadStatus.DeadlineExceeded);
            }

            request = waited;
        }

        return await StartAsk(request, type, payload.Span, cancellationToken).ConfigureAwait(false);
    }

    private ValueTask<RawAnswer> StartAsk(
        PendingRequest request, FrameType type, ReadOnlySpan<byte> payload, CancellationToken cancellationToken)
    {
        request.Begin(type, default, Now + _timeoutTicks);
        Span<byte> frame = stackalloc byte[FrameHeader.Bytes + payload.Length];
        new FrameHeader(type, FrameFlags.None, ReadStatus.Ok, payload.Length, request.Id, DeadlineMs: _timeoutMs).Write(frame);
        payload.CopyTo(frame[FrameHeader.Bytes..]);
        var (version, id) = (request.Version, request.Id);
        Send(request, frame, cancellationToken);
        request.WaitIfSynchronous(id, _options.RequestTimeout);
        return new ValueTask<RawAnswer>(request, version);
    }

    /// <summary>A request without an answer: advice, so it is left out when the line is full.</summary>
    private ReadStatus Tell(ReadOnlySpan<byte> frame)
    {
        lock (_sendLock)
        {
            return !_closed && SendIfRoom(frame) ? ReadStatus.Ok : ReadStatus.Unavailable;
        }
    }
}
