using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Wires;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Handshakes;

/// <summary>
/// Handshake frames over a blocking socket. Reads exactly one frame at a time, so nothing of what follows is lost. Whoever
/// guards the deadline shuts the socket down, which ends the read.
/// </summary>
internal sealed class HandshakeChannel(IWire wire)
{
    private readonly byte[] _buffer = new byte[FrameHeader.Bytes + FrameLimits.MaxHandshakeBytes];

    /// <summary>What was wrong with the last frame received.</summary>
    public FrameError Error { get; private set; }

    /// <summary>Whether what was received began as TLS does.</summary>
    public bool IsTls => _buffer[0] == TlsWire.FirstByteOfTls;

    public bool Send(FrameType type, FrameFlags flags, ReadStatus status, ReadOnlySpan<byte> payload)
    {
        new FrameHeader(type, flags, status, payload.Length, 0).Write(_buffer);
        payload.CopyTo(_buffer.AsSpan(FrameHeader.Bytes));
        return wire.SendAll(_buffer.AsSpan(0, FrameHeader.Bytes + payload.Length));
    }

    /// <summary>Says no. The peer may be gone or not reading: this never waits.</summary>
    public void Refuse(HandshakeRefusal refusal)
    {
        new FrameHeader(FrameType.Welcome, FrameFlags.Answer, ReadStatus.AccessDenied, 1, 0).Write(_buffer);
        _buffer[FrameHeader.Bytes] = (byte)refusal;
        _ = wire.TrySend(_buffer.AsSpan(0, FrameHeader.Bytes + 1));
    }

    /// <summary>The next frame; false with <see cref="Error"/> (None = the connection ended).</summary>
    /// <param name="header">The header.</param>
    /// <param name="payload">A view of this channel's buffer, until the next call.</param>
    public bool TryReceive(out FrameHeader header, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        header = default;
        Error = FrameError.None;
        var received = wire.ReceiveFully(_buffer.AsSpan(0, FrameHeader.Bytes));
        if (received < FrameHeader.Bytes)
        {
            Error = received > 0 ? FrameError.Truncated : FrameError.None;
            return false;
        }

        Error = FrameHeader.Read(_buffer, out header);
        if (Error == FrameError.None && header.Type > FrameType.Welcome)
        {
            Error = FrameError.Unexpected;
        }

        if (Error != FrameError.None)
        {
            return false;
        }

        var body = _buffer.AsSpan(FrameHeader.Bytes, header.PayloadBytes);
        if (wire.ReceiveFully(body) < body.Length)
        {
            Error = FrameError.Truncated;
            return false;
        }

        payload = body;
        return true;
    }
}
