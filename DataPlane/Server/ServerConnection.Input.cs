using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Server;

/// <summary>From bytes to requests.</summary>
internal sealed partial class ServerConnection
{
    // Room for the largest request and a good number of small ones: pipelined reads cost one system call together.
    internal const int InputBytes = 16 * 1024;

    private byte[] _input = [];
    private int _inputStart;

    // As many requests wait as may, and another is at the start of the buffer.
    private bool _isFull;
    private int _inputEnd;

    private enum Reception
    {
        Received,
        Nothing,
        Ended,
    }

    /// <summary>Receives more, waiting a while for it.</summary>
    private Reception Receive()
    {
        if (_inputStart > 0)
        {
            _input.AsSpan(_inputStart, _inputEnd - _inputStart).CopyTo(_input);
            _inputEnd -= _inputStart;
            _inputStart = 0;
        }

        Volatile.Write(ref _inputSince, _inputEnd > 0 && _inputSince == 0 ? _context.Time.GetTimestamp() : _inputSince);
        var received = _wire.Receive(_input.AsSpan(_inputEnd), mayWait: _waiting.Count == 0);
        if (received > 0)
        {
            _inputEnd += received;
            return Reception.Received;
        }

        if (received < 0 && StreamSocket.LastErrno == Errno.Again)
        {
            return Reception.Nothing;
        }

        if ((_inputEnd > 0 || _wire.PartSince != 0) && (!_stopping || _timedOut))
        {
            Malformed(FrameError.Truncated);
        }

        return Reception.Ended;
    }

    /// <summary>Serves whole frames until there are none or one has to wait for room; false = malformed.</summary>
    private bool ServeBuffered()
    {
        _isFull = false;
        while (_inputEnd - _inputStart >= FrameHeader.Bytes && !_broken)
        {
            var available = _input.AsSpan(_inputStart, _inputEnd - _inputStart);
            var error = FrameHeader.Read(available, out var header);
            if (error == FrameError.None && (header.IsAnswer || header.Type <= FrameType.Welcome))
            {
                error = FrameError.Unexpected;
            }

            if (error != FrameError.None)
            {
                return Malformed(error);
            }

            if (available.Length < FrameHeader.Bytes + header.PayloadBytes)
            {
                break;
            }

            // What tells of a request that waits is taken also when no other may wait: the peer may be giving them all up.
            if (_waiting.Count >= _context.Options.MaxRequestsInFlight
                && header.Type is (FrameType.Read or FrameType.Ensure or FrameType.ReadBatch))
            {
                _isFull = true;
                break;
            }

            _inputStart += FrameHeader.Bytes + header.PayloadBytes;
            Volatile.Write(ref _inputSince, 0);
            _context.Metrics.OnRequest(header.Type);
            error = Dispatch(header, available.Slice(FrameHeader.Bytes, header.PayloadBytes));
            if (error != FrameError.None)
            {
                return Malformed(error);
            }
        }

        return true;
    }

    private FrameError Dispatch(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        switch (header.Type)
        {
            case FrameType.Read or FrameType.Ensure or FrameType.Prefetch:
                return RangeRequest.TryRead(payload, out var range) ? OnRange(header, range) : FrameError.Payload;
            case FrameType.ReadBatch:
                return OnBatch(header, payload);
            case FrameType.Present:
                OnPresent(header, payload);
                return FrameError.None;
            case FrameType.Lease:
                if (payload.Length != KeyCodec.Bytes)
                {
                    return FrameError.Payload;
                }

                OnLease(header, KeyCodec.Read(payload));
                return FrameError.None;
            case FrameType.Report:
                return OnReport(payload);
            case FrameType.Status:
                OnStatus(header);
                return FrameError.None;
            case FrameType.Cancel:
                if (_waiting.TryGetValue(header.RequestId, out var request))
                {
                    request.Cancel();
                }

                return FrameError.None;
            default:
                // A reserved type: a newer client asks for what this build does not have.
                Answer(header, ReadStatus.NotSupported);
                return FrameError.None;
        }
    }

    private FrameError OnRange(in FrameHeader header, in RangeRequest range)
    {
        if (header.Type == FrameType.Prefetch)
        {
            if (range.IsRange)
            {
                Prefetch(range);
            }

            return FrameError.None;
        }

        if (_waiting.ContainsKey(header.RequestId))
        {
            return FrameError.DuplicateRequest;
        }

        if (!range.IsRange || (header.Type == FrameType.Read && range.LengthBytes > FrameLimits.MaxReadBytes))
        {
            Answer(header, ReadStatus.InvalidRequest);
            return FrameError.None;
        }

        var request = Rent();
        request.Begin(header, range);
        Advance(request);
        return FrameError.None;
    }

    private bool Malformed(FrameError error)
    {
        _context.Metrics.OnMalformed(error);
        _context.Log.Malformed(Peer, error);
        return false;
    }
}
