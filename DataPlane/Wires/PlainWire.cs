using Microsoft.Win32.SafeHandles;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Wires;

/// <summary>The socket itself.</summary>
internal sealed class PlainWire(StreamSocket socket) : IWire
{
    public StreamSocket Socket => socket;

    public ReadOnlySpan<byte> ChannelBinding => default;

    public bool MayHaveMore => false;

    public long PartSince => 0;

    public int Receive(Span<byte> buffer, bool mayWait) => socket.Receive(buffer);

    public int ReceiveFully(Span<byte> buffer) => socket.ReceiveFully(buffer);

    public bool SendAll(ReadOnlySpan<byte> buffer, bool moreFollows) => socket.SendAll(buffer, moreFollows);

    public int TrySend(ReadOnlySpan<byte> buffer) => socket.TrySend(buffer);

    public int SendFile(SafeFileHandle file, long fileOffsetBytes, int lengthBytes) =>
        socket.SendFile(file, fileOffsetBytes, lengthBytes);

    public void Dispose() => socket.Dispose();
}
