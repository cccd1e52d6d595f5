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
    private RawPeer(StreamSocket socket) => Socket = socket;

    public StreamSocket Socket { get; }

    /// <summary>Connects; with a handshake, what follows comes from an accepted peer.</summary>
    public static RawPeer Connect(TestServer server, bool overUnix, bool shakeHands = true)
    {
        EndPoint address = overUnix
            ? new UnixDomainSocketEndPoint(server.Options.SocketPath!)
            : new IPEndPoint(IPAddress.Loopback, server.Tcp.Port);
        var socket = StreamSocket.Connect(address, TimeSpan.FromSeconds(5), out var errno) ?? throw new IOException($"connect: {errno}");
        if (shakeHands)
        {
            var identity = new HandshakeIdentity(PeerRole.Client, "test", default);
            Assert.NotNull(new ClientHandshake(new PlainWire(socket), identity, overUnix, "test server").Run());
        }

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

    public void Dispose() => Socket.Dispose();
}
