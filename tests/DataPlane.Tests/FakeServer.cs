using System.Net;
using System.Net.Sockets;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Wires;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Tests;

/// <summary>A server that shakes hands and then answers what the test says.</summary>
internal sealed class FakeServer(StreamSocket socket) : IDisposable
{
    private static readonly HandshakeIdentity Identity = new(PeerRole.Silo, "test", default);

    public StreamSocket Socket { get; } = socket;

    public static Task<(BlockConnection Client, FakeServer Server)> ConnectAsync(BlockConnectionOptions? options = null) =>
        ConnectAsync(
            new IPEndPoint(IPAddress.Loopback, 0),
            static socket => Assert.Equal(HandshakeRefusal.None, new ServerHandshake(new PlainWire(socket), Identity, false, 8).Run()),
            options);

    /// <summary>A server of another release, which offers these features; on a Unix socket when there is a path.</summary>
    public static Task<(BlockConnection Client, FakeServer Server)> ConnectWithAsync(Features features, string? unixPath = null) =>
        ConnectAsync(
            unixPath is null ? new IPEndPoint(IPAddress.Loopback, 0) : new UnixDomainSocketEndPoint(unixPath),
            socket => Welcome(socket, Identity.MakeOffer(features, 8)),
            options: null);

    private static void Welcome(StreamSocket socket, HandshakeOffer challenge)
    {
        var channel = new HandshakeChannel(new PlainWire(socket));
        Assert.True(channel.TryReceive(out _, out var payload));
        var hello = payload.ToArray();
        Assert.True(channel.Send(FrameType.Challenge, FrameFlags.None, ReadStatus.Ok, challenge.Encode()));
        Assert.True(channel.TryReceive(out _, out _));
        var proof = Identity.Prove(HandshakeOffer.TryDecode(hello)!, hello, challenge, challenge.Encode());
        Assert.True(channel.Send(FrameType.Welcome, FrameFlags.Answer, ReadStatus.Ok, proof.ServerMac));
    }

    private static async Task<(BlockConnection Client, FakeServer Server)> ConnectAsync(
        EndPoint address, Action<StreamSocket> shakeHands, BlockConnectionOptions? options)
    {
        using var listener = StreamSocket.Listen(address, 1);
        var accepting = Task.Factory.StartNew(
            () =>
            {
                var socket = listener.Accept()!.Value.Socket;
                shakeHands(socket);
                return new FakeServer(socket);
            },
            TaskCreationOptions.LongRunning);
        var endpoint = address is UnixDomainSocketEndPoint unix
            ? new DataEndpoint("127.0.0.1", 9, unix.ToString())
            : new DataEndpoint("127.0.0.1", listener.LocalEndPoint.Port, null);
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
