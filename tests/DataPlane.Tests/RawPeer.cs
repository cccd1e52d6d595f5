using System.Net;
using System.Net.Sockets;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Wires;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Tests;

/// <summary>A peer that can say anything.</summary>
internal sealed class RawPeer : IDisposable
{
    private static readonly HandshakeIdentity Identity = new(PeerRole.Client, "test", default);

    private RawPeer(StreamSocket socket) => Socket = socket;

    public StreamSocket Socket { get; }

    /// <summary>Connects; with a handshake, what follows comes from an accepted peer.</summary>
    public static RawPeer Connect(TestServer server, bool overUnix, bool shakeHands = true)
    {
        var socket = ConnectSocket(server, overUnix);
        if (shakeHands)
        {
            Assert.NotNull(new ClientHandshake(new PlainWire(socket), Identity, overUnix, "test server").Run());
        }

        return new RawPeer(socket);
    }

    /// <summary>Connects as a client of another release, which offers these features.</summary>
    public static RawPeer ConnectWith(TestServer server, bool overUnix, Features features)
    {
        var socket = ConnectSocket(server, overUnix);
        var channel = new HandshakeChannel(new PlainWire(socket));
        var hello = Identity.MakeOffer(features, 0);
        Assert.True(channel.Send(FrameType.Hello, FrameFlags.None, ReadStatus.Ok, hello.Encode()));
        Assert.True(channel.TryReceive(out _, out var challenge));
        var proof = Identity.Prove(hello, hello.Encode(), HandshakeOffer.TryDecode(challenge)!, challenge);
        Assert.True(channel.Send(FrameType.Proof, FrameFlags.None, ReadStatus.Ok, proof.ClientMac));
        Assert.True(channel.TryReceive(out var welcome, out _));
        Assert.Equal((FrameType.Welcome, ReadStatus.Ok), (welcome.Type, welcome.Status));
        return new RawPeer(socket);
    }

    public static byte[] Frame(FrameType type, ReadOnlySpan<byte> payload, ulong id = 1, FrameFlags flags = FrameFlags.None)
    {
        var frame = new byte[FrameHeader.Bytes + payload.Length];
        new FrameHeader(type, flags, ReadStatus.Ok, payload.Length, id).Write(frame);
        payload.CopyTo(frame.AsSpan(FrameHeader.Bytes));
        return frame;
    }

    public static byte[] Read(FileKey key, long offset, long length, ulong id = 1)
    {
        var payload = new byte[RangeRequest.Bytes];
        new RangeRequest(key, offset, length).Write(payload);
        return Frame(FrameType.Read, payload, id);
    }

    /// <summary>Waits until the server has closed its end, taking what it still says.</summary>
    public Task WaitClosedAsync() => Task.Factory.StartNew(
        () =>
        {
            var scratch = new byte[64 * 1024];
            while (Socket.Receive(scratch) > 0)
            {
            }
        },
        TaskCreationOptions.LongRunning).WaitAsync(TimeSpan.FromSeconds(15));

    /// <summary>The header of the next answer. Its payload is the caller's to receive.</summary>
    public FrameHeader ReceiveHeader()
    {
        var bytes = new byte[FrameHeader.Bytes];
        Assert.Equal(bytes.Length, Socket.ReceiveFully(bytes));
        Assert.Equal(FrameError.None, FrameHeader.Read(bytes, out var header));
        return header;
    }

    public void Dispose() => Socket.Dispose();

    private static StreamSocket ConnectSocket(TestServer server, bool overUnix)
    {
        EndPoint address = overUnix
            ? new UnixDomainSocketEndPoint(server.Options.SocketPath!)
            : new IPEndPoint(IPAddress.Loopback, server.Tcp.Port);
        return StreamSocket.Connect(address, TimeSpan.FromSeconds(5), out var errno) ?? throw new IOException($"connect: {errno}");
    }
}
