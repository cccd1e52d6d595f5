using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Server;

/// <summary>From answers to bytes. All of it on the connection's thread; a failed send marks the connection broken.</summary>
internal sealed partial class ServerConnection
{
    /// <summary>
    /// Up to here payload is copied behind its header and leaves in one send; above, sendfile. Either way two system calls;
    /// copying 4 KiB is faster than sendfile's pipe, copying 128 KiB is slower (FUSE-NOTES §5), and 32 KiB lies between.
    /// </summary>
    internal const int CopyLimitBytes = 32 * 1024;

    internal const int OutputBytes = FrameHeader.Bytes + CopyLimitBytes;

    private byte[] _output = [];

    private void Answer(in FrameHeader request, ReadStatus status) =>
        SendHeader(new FrameHeader(request.Type, FrameFlags.Answer, status, 0, request.RequestId));

    /// <summary>Ends a range with a status and no further bytes; true when the request has another one.</summary>
    private bool Finish(ServerRequest request, ReadStatus status)
    {
        // A batch that was given up ends here: nobody waits for the rest.
        var goesOn = request.Batch is { HasNext: true } && !request.Token.IsCancellationRequested;
        var flags = FrameFlags.Answer | (goesOn ? FrameFlags.More : FrameFlags.None);
        if (SendHeader(new FrameHeader(request.Type, flags, status, 0, request.Id)) && goesOn)
        {
            return BeginNextRange(request);
        }

        Return(request);
        return false;
    }

    private void AnswerEnsure(ServerRequest request, in ResidencyOutcome outcome)
    {
        if (outcome.Status != ReadStatus.Ok || outcome.AvailableBytes <= 0)
        {
            Finish(request, outcome.Status == ReadStatus.Ok ? ReadStatus.Unavailable : outcome.Status);
            return;
        }

        Header(request, EnsureAnswer.Bytes, isLast: true).Write(_output);
        new EnsureAnswer(outcome.Generation, Math.Min(outcome.AvailableBytes, request.RemainingBytes))
            .Write(_output.AsSpan(FrameHeader.Bytes));
        Send(_output.AsSpan(0, FrameHeader.Bytes + EnsureAnswer.Bytes));
        Return(request);
    }

    private FrameHeader Header(ServerRequest request, int payloadBytes, bool isLast)
    {
        isLast &= request.Batch is not { HasNext: true };
        var flags = FrameFlags.Answer
            | (isLast ? FrameFlags.None : FrameFlags.More)
            | (request.WasResident ? FrameFlags.Resident : FrameFlags.None);
        return new FrameHeader(request.Type, flags, ReadStatus.Ok, payloadBytes, request.Id, _context.Service.RingEpoch);
    }

    /// <summary>Sends a piece of a cache file.</summary>
    /// <returns>Ok, or with which status the range ends; nothing of it was sent then, unless the connection is broken.</returns>
    private ReadStatus SendPinned(ServerRequest request, in PinnedRange pin, int bytes)
    {
        var header = Header(request, bytes, isLast: bytes == request.RemainingBytes);
        if (bytes > CopyLimitBytes)
        {
            header.Write(_output);
            return Send(_output.AsSpan(0, FrameHeader.Bytes), moreFollows: true) && SendFile(request, pin, bytes)
                ? ReadStatus.Ok
                : ReadStatus.Unavailable;
        }

        if (!TryCopy(pin, _output.AsSpan(FrameHeader.Bytes, bytes)))
        {
            _context.Service.OnUnreadable(request.Key, request.OffsetBytes, bytes);
            return Fault(request.Type, "the cache file is unreadable", null);
        }

        header.Write(_output);
        if (!Send(_output.AsSpan(0, FrameHeader.Bytes + bytes)))
        {
            return ReadStatus.Unavailable;
        }

        _context.Metrics.OnSent(bytes);
        return ReadStatus.Ok;
    }

    private static bool TryCopy(in PinnedRange pin, Span<byte> destination)
    {
        var at = 0;
        while (at < destination.Length)
        {
            int read;
            try
            {
                read = RandomAccess.Read(pin.File, destination[at..], pin.FileOffsetBytes + at);
            }
            catch (IOException)
            {
                // The caller counts and logs it, as it does a file that is too short.
                return false;
            }

            if (read == 0)
            {
                return false;
            }

            at += read;
        }

        return true;
    }

    private bool SendFile(ServerRequest request, in PinnedRange pin, int bytes)
    {
        BeginSend();
        var at = 0;
        while (at < bytes)
        {
            var sent = _wire.SendFile(pin.File, pin.FileOffsetBytes + at, bytes - at);
            if (sent <= 0)
            {
                // The length is promised already, so this connection cannot say anything sensible any more.
                _broken = true;
                if (sent == 0 || StreamSocket.LastErrno is Errno.InputOutput or Errno.Invalid or Errno.BadDescriptor)
                {
                    _context.Service.OnUnreadable(request.Key, request.OffsetBytes, bytes);
                    Fault(request.Type, "the cache file is unreadable, connection closed", null);
                }

                break;
            }

            at += sent;
        }

        EndSend();
        _context.Metrics.OnSent(at);
        return at == bytes;
    }

    private bool SendPiece(ServerRequest request, ReadOnlySpan<byte> bytes)
    {
        Header(request, bytes.Length, isLast: bytes.Length == request.RemainingBytes).Write(_output);
        if (!Send(_output.AsSpan(0, FrameHeader.Bytes), moreFollows: true) || !Send(bytes))
        {
            return false;
        }

        _context.Metrics.OnSent(bytes.Length);
        return true;
    }

    private bool SendHeader(in FrameHeader header)
    {
        (header with { RingEpoch = _context.Service.RingEpoch }).Write(_output);
        return Send(_output.AsSpan(0, FrameHeader.Bytes));
    }

    private bool Send(ReadOnlySpan<byte> bytes, bool moreFollows = false)
    {
        // After half an answer every further byte would be taken for the rest of it.
        if (_broken)
        {
            return false;
        }

        BeginSend();
        _broken = !_wire.SendAll(bytes, moreFollows);
        EndSend();
        return !_broken;
    }

    private void BeginSend() => Volatile.Write(ref _sendSince, _context.Time.GetTimestamp());

    private void EndSend() => Volatile.Write(ref _sendSince, 0);

    /// <summary>Header, fixed part and descriptor in one message; the bitmap of a large file behind them.</summary>
    private void SendLease(ulong requestId, ResidencyLease lease)
    {
        var answer = new LeaseAnswer(lease.Generation, lease.LengthBytes, lease.BlockSizeBytes, lease.IsComplete);
        var bitmap = lease.IsComplete ? default : lease.ResidentBlocks.Span;
        if (bitmap.Length != answer.BitmapBytes || bitmap.Length > FrameLimits.MaxBitmapBytes)
        {
            SendHeader(new FrameHeader(
                FrameType.Lease, FrameFlags.Answer, Fault(FrameType.Lease, "the lease's bitmap has a wrong length", null), 0, requestId));
            return;
        }

        new FrameHeader(
            FrameType.Lease, FrameFlags.Answer | FrameFlags.Descriptor, ReadStatus.Ok, LeaseAnswer.FixedBytes + bitmap.Length, requestId,
            _context.Service.RingEpoch)
            .Write(_output);
        answer.Write(_output.AsSpan(FrameHeader.Bytes));
        BeginSend();
        _broken |= !_socket.SendWithDescriptor(_output.AsSpan(0, FrameHeader.Bytes + LeaseAnswer.FixedBytes), lease.Descriptor);
        EndSend();
        if (!_broken && bitmap.Length > 0)
        {
            Send(bitmap);
        }
    }
}
