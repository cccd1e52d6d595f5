using System.Net;

namespace OrleansCache.Linux.Tests;

public sealed class SocketPollerTests
{
    [Fact]
    public async Task A_socket_is_told_of_once_until_it_is_watched_again()
    {
        using var listener = StreamSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0), 4);
        using var near = StreamSocket.Connect(new IPEndPoint(IPAddress.Loopback, listener.LocalEndPoint.Port), TimeSpan.FromSeconds(5), out _)!;
        using var far = listener.Accept()!.Value.Socket;
        using var poller = new SocketPoller();
        poller.Add(near, 7);

        Assert.True(far.SendAll("x"u8));
        Assert.Equal([7UL], (await WaitAsync(poller)).ToList());

        // Nobody took the byte, and it is not told of again.
        poller.Wake();
        Assert.Empty(await WaitAsync(poller));
        poller.Again(near, 8);
        Assert.Equal([8UL], (await WaitAsync(poller)).ToList());

        Assert.Equal(1, near.Receive(new byte[1]));
        poller.Again(near, 9);
        far.ShutdownSend();
        Assert.Equal([9UL], (await WaitAsync(poller)).ToList());
    }

    [Fact]
    public void A_receive_waits_no_longer_than_said()
    {
        using var listener = StreamSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0), 4);
        using var near = StreamSocket.Connect(new IPEndPoint(IPAddress.Loopback, listener.LocalEndPoint.Port), TimeSpan.FromSeconds(5), out _)!;
        near.SetReceiveTimeout(TimeSpan.FromMilliseconds(20));

        Assert.Equal((-1, Errno.Again), (near.Receive(new byte[1]), StreamSocket.LastErrno));
    }

    private static Task<ulong[]> WaitAsync(SocketPoller poller) => Task.Factory.StartNew(
        () =>
        {
            Span<ulong> tokens = stackalloc ulong[4];
            return tokens[..poller.Wait(tokens)].ToArray();
        },
        TaskCreationOptions.LongRunning).WaitAsync(TimeSpan.FromSeconds(15));
}
