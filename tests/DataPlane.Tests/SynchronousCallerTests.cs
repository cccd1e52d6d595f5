using System.Net;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Wires;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Tests;

/// <summary>A caller that waits on its own thread, when no thread of the pool is left for the connection's watchdog.</summary>
public sealed class SynchronousCallerTests
{
    [Fact]
    public async Task A_piece_that_does_not_end_is_given_up_without_the_watchdog()
    {
        using var listener = StreamSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0), 1);
        var accepting = Task.Factory.StartNew(
            () =>
            {
                var accepted = new PlainWire(listener.Accept()!.Value.Socket);
                Assert.Equal(
                    HandshakeRefusal.None, new ServerHandshake(accepted, new HandshakeIdentity(PeerRole.Silo, "test", default), false, 8).Run());
                return new FakeServer(accepted.Socket);
            },
            TaskCreationOptions.LongRunning);
        var wire = new PlainWire(StreamSocket.Connect(listener.LocalEndPoint, TimeSpan.FromSeconds(5), out _)!);
        var offer = new ClientHandshake(wire, new HandshakeIdentity(PeerRole.Client, "test", default), false, "test server").Run()!;
        using var server = await accepting;
        var options = new BlockConnectionOptions
        {
            ClusterId = "test",
            RequestTimeout = TimeSpan.FromMilliseconds(300),
            CancelGrace = TimeSpan.FromMilliseconds(200),
        };
        var connection = new BlockConnection(wire, offer, false, options, new NoTimers());
        var receiving = Task.Factory.StartNew(connection.ReceiveAll, TaskCreationOptions.LongRunning);
        var reading = Task.Factory.StartNew(
            () => SynchronousCaller.Run(connection, static one => one.ReadAsync(new FileKey(1, 2), 0, new byte[1000], default)),
            TaskCreationOptions.LongRunning);
        var id = server.ReceiveRequestId();
        Assert.True(server.Socket.SendAll(RawPeer.Frame(FrameType.Read, new byte[1000], id, FrameFlags.Answer).AsSpan(0, 500)));

        Assert.Equal(ReadStatus.DeadlineExceeded, (await reading.WaitAsync(TimeSpan.FromSeconds(15))).Status);
        Assert.False(connection.IsOpen);
        await receiving.WaitAsync(TimeSpan.FromSeconds(15));
    }

    /// <summary>As if all threads of the pool were taken: what a timer would do is never done.</summary>
    private sealed class NoTimers : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Never();

        private sealed class Never : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
