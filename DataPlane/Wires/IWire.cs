using Microsoft.Win32.SafeHandles;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Wires;

/// <summary>
/// Bytes to and from a peer, plain or through TLS, with the answers of <see cref="StreamSocket"/>: nothing throws for what the
/// peer does, -1 has its reason in <see cref="StreamSocket.LastErrno"/>. One thread may receive while another sends; shutting
/// the socket down ends both.
/// </summary>
internal interface IWire : IDisposable
{
    StreamSocket Socket { get; }

    /// <summary>What the handshake's MACs cover of the channel below; empty without TLS.</summary>
    ReadOnlySpan<byte> ChannelBinding { get; }

    /// <summary>Whether bytes may be here already that the socket does not show any more.</summary>
    bool MayHaveMore { get; }

    /// <summary>Since when a part of something is here that cannot be handed out before the rest; 0 = there is none. For any thread.</summary>
    long PartSince { get; }

    /// <summary>Receives what is there: 0 = the peer has ended, -1 = failed, or nothing came in the socket's time.</summary>
    /// <param name="buffer">Filled from its start.</param>
    /// <param name="mayWait">Whether to wait for a byte where the wire cannot tell whether one is here.</param>
    int Receive(Span<byte> buffer, bool mayWait = true);

    /// <summary>Receives until the buffer is full. Fewer bytes or -1 when the connection ended before.</summary>
    int ReceiveFully(Span<byte> buffer);

    /// <summary>Sends everything, waiting for room.</summary>
    bool SendAll(ReadOnlySpan<byte> buffer, bool moreFollows = false);

    /// <summary>Sends what there is room for, or nothing, without waiting.</summary>
    int TrySend(ReadOnlySpan<byte> buffer);

    /// <summary>Sends a piece of a file; 0 = the file ends there or cannot be read.</summary>
    int SendFile(SafeFileHandle file, long fileOffsetBytes, int lengthBytes);
}
