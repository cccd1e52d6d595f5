using Microsoft.Win32.SafeHandles;
using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Connections;

/// <summary>The receiving thread.</summary>
public sealed partial class BlockConnection
{
    // Headers and small payloads come together in one call; of a large payload at most this much is copied.
    private const int InputBytes = 16 * 1024;

    // Between two pieces a cancelled caller gets its buffer back. Large enough that the extra call costs nothing.
    private const int PieceBytes = 1 << 20;

    // Descriptors that came before their frames were parsed. More than a buffer of lease answers is not our silo.
    private const int MaxQueuedDescriptors = 256;

    private readonly byte[] _input = new byte[InputBytes];
    private readonly Queue<SafeFileHandle> _descriptors = new();
    private readonly bool _isUnix;
    private int _inputStart;
    private int _inputEnd;
    private volatile bool _failedAll;

    /// <summary>Receives until the connection ends. The thread's body; returns, never throws for what the peer does.</summary>
    internal void ReceiveAll()
    {
        try
        {
            while (!_closed && TryReceiveFrame())
            {
                Park();
            }
        }
        finally
        {
            Break();
            _failedAll = true;
            foreach (var request in _slots)
            {
                request.Fail(ReadStatus.Unavailable);
            }

            foreach (var descriptor in _descriptors)
            {
                descriptor.Dispose();
            }

            _watchdog.Dispose();
            _wire.Dispose();
            _ended.TrySetResult();
        }
    }

    private bool TryReceiveFrame()
    {
        if (!TryFill(FrameHeader.Bytes)
            || FrameHeader.Read(_input.AsSpan(_inputStart), out var header) != FrameError.None
            || !header.IsAnswer)
        {
            return false;
        }

        _inputStart += FrameHeader.Bytes;
        var index = (int)(header.RequestId & 0xFFFF);
        if (index >= _slots.Length || !_slots[index].IsExpecting(header.RequestId, header.Type))
        {
            return false;
        }

        if (header.RingEpoch > _ringEpoch)
        {
            Volatile.Write(ref _ringEpoch, header.RingEpoch);
        }

        if (!header.HasMore)
        {
            Interlocked.Decrement(ref _unanswered);
        }

        return header.Type switch
        {
            FrameType.Read => ReceiveRead(_slots[index], header),
            FrameType.ReadBatch => ReceiveBatch(_slots[index], header),
            _ => ReceiveOther(_slots[index], header),
        };
    }

    private bool ReceiveRead(PendingRequest request, in FrameHeader header)
    {
        // An answer that is not what was asked for ends the connection before it gets near the caller's buffer.
        var missing = request.MissingBytes;
        var isWhole = header.HasMore ? header.PayloadBytes < missing : header.PayloadBytes == missing;
        if (header.Status == ReadStatus.Ok ? !isWhole : header.PayloadBytes != 0 || header.HasMore)
        {
            return false;
        }

        if (!ReceivePieces(request, header.PayloadBytes))
        {
            return false;
        }

        if (!header.HasMore)
        {
            request.Complete(new RawAnswer(header.Status, (header.Flags & FrameFlags.Resident) != 0));
        }

        return true;
    }

    private bool ReceivePieces(PendingRequest request, int bytes)
    {
        while (bytes > 0)
        {
            var piece = Math.Min(bytes, PieceBytes);
            if (!ReceivePiece(request, piece))
            {
                return false;
            }

            bytes -= piece;
        }

        return true;
    }

    private bool ReceivePiece(PendingRequest request, int bytes)
    {
        if (!request.TryBeginFill(out var rest))
        {
            request.Skip(bytes);
            return Drain(bytes);
        }

        var received = false;
        try
        {
            received = ReceivePayload(rest.Span[..bytes]);
            return received;
        }
        finally
        {
            request.EndFill(received ? bytes : 0);
        }
    }

    private bool ReceiveOther(PendingRequest request, in FrameHeader header)
    {
        SafeFileHandle? descriptor = null;
        if (header.HasMore
            || ((header.Flags & FrameFlags.Descriptor) != 0 && !_descriptors.TryDequeue(out descriptor)))
        {
            return false;
        }

        var payload = header.PayloadBytes == 0 ? [] : new byte[header.PayloadBytes];
        var received = ReceivePayload(payload);
        var answer = new RawAnswer(
            header.Status, (header.Flags & FrameFlags.Resident) != 0, 0, payload, descriptor);
        if (!received || !request.Complete(answer))
        {
            descriptor?.Dispose();
        }

        return received;
    }

    private bool Drain(int bytes)
    {
        while (bytes > 0)
        {
            if (_inputStart == _inputEnd && !TryFill(1))
            {
                return false;
            }

            var taken = Math.Min(bytes, _inputEnd - _inputStart);
            _inputStart += taken;
            bytes -= taken;
        }

        return true;
    }

    private bool ReceivePayload(Span<byte> destination)
    {
        var buffered = Math.Min(destination.Length, _inputEnd - _inputStart);
        _input.AsSpan(_inputStart, buffered).CopyTo(destination);
        _inputStart += buffered;
        return _wire.ReceiveFully(destination[buffered..]) == destination.Length - buffered;
    }

    /// <summary>Makes sure that so many bytes are buffered.</summary>
    private bool TryFill(int bytes)
    {
        if (_inputStart > 0 && _inputEnd - _inputStart < bytes)
        {
            _input.AsSpan(_inputStart, _inputEnd - _inputStart).CopyTo(_input);
            _inputEnd -= _inputStart;
            _inputStart = 0;
        }

        while (_inputEnd - _inputStart < bytes)
        {
            if (!TryReceiveMore())
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Receives once into the room behind what is buffered; false when nothing came or the peer floods us with descriptors.</summary>
    private bool TryReceiveMore()
    {
        var room = _input.AsSpan(_inputEnd);
        var received = _isUnix ? _socket.ReceiveWithDescriptors(room, _descriptors) : _wire.Receive(room);
        if (received <= 0 || _descriptors.Count > MaxQueuedDescriptors)
        {
            return false;
        }

        _inputEnd += received;
        return true;
    }
}
