using System.Net;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Wires;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Tests;

/// <summary>A server that shakes hands and then answers what the test says.</summary>
internal sealed class FakeServer(StreamSocket socket) : IDisposable
{
    public StreamSocket Socket { get; } = socket;

    public static async Task<(BlockConnection Client, FakeServer Server)> ConnectAsync(BlockConnectionOptions? options = null)
    {
        using var listener = StreamSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0), 1);
        var accepting = Task.Factory.StartNew(
            () =>
            {
                var socket = listener.Accept()!.Value.Socket;
                var identity = new HandshakeIdentity(PeerRole.Silo, "test", default);
                Assert.Equal(HandshakeRefusal.None, new ServerHandshake(new PlainWire(socket), identity, false, 8).Run());
                return new FakeServer(socket);
            },
            TaskCreationOptions.LongRunning);
        var endpoint = new DataEndpoint("127.0.0.1", listener.LocalEndPoint.Port, null);
        var client = await BlockConnection.ConnectAsync(
            endpoint, options ?? TestServer.ClientOptions, TimeProvider.System, CancellationToken.None);
        return (client, await accepting.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    public ulong ReceiveRequestId(int payloadBytes = RangeRequest.Bytes)
    {
        var frame = new byte[FrameHeader.Bytes + payloadBytes];
        Assert.Equal(frame.Length, Socket.ReceiveFully(frame));
        Assert.Equal(FrameError.None, FrameHeader.Read(frame, out var header));
        return header.RequestId;
    }

    public void Dispose() => Socket.Dispose();
}
