using System.Net;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Wires;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Tests.Tls;

/// <summary>A peer behind TLS that can say anything.</summary>
internal sealed class TlsPeer : IDisposable
{
    private TlsPeer(IWire wire) => Wire = wire;

    public IWire Wire { get; }

    public static TlsPeer Connect(TestServer server, Authority authority, byte[] secret, bool shakeHands = true)
    {
        var address = new IPEndPoint(IPAddress.Loopback, server.Tcp.Port);
        var socket = StreamSocket.Connect(address, TimeSpan.FromSeconds(5), out var errno) ?? throw new IOException($"connect: {errno}");
        var wire = TlsWire.Connect(socket, authority.Client().Tls!, "localhost", TimeProvider.System, out _);
        if (shakeHands)
        {
            Assert.NotNull(new ClientHandshake(wire, new HandshakeIdentity(PeerRole.Client, "test", secret), false, "test server").Run());
        }

        return new TlsPeer(wire);
    }

    /// <summary>Takes answers until that of a request has come.</summary>
    public Task<bool> AnswersAsync(ulong until) => Task.Factory.StartNew(
        () =>
        {
            var header = new byte[FrameHeader.Bytes];
            while (Wire.ReceiveFully(header) == header.Length && FrameHeader.Read(header, out var answer) == FrameError.None)
            {
                Wire.ReceiveFully(new byte[answer.PayloadBytes]);
                if (answer.RequestId == until)
                {
                    return true;
                }
            }

            return false;
        },
        TaskCreationOptions.LongRunning).WaitAsync(TimeSpan.FromSeconds(15));

    public void Dispose() => Wire.Dispose();
}
