using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Server;
using OrleansCache.DataPlane.Wires;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Tests.Load;

/// <summary>A container may have fewer threads than the server wants: its connections wait, they are not ended.</summary>
public sealed class NoThreadsTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("dp-threads-");
    private readonly StreamSocket _listener = StreamSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0), 1);
    private readonly ConnectionTable _table;
    private readonly ServerContext _context;
    private readonly ConnectionThreads _threads;
    private readonly Thread _poller;
    private int _allowed;
    private int _failed;

    public NoThreadsTests()
    {
        var options = new BlockServerOptions { ClusterId = "test", IdleAfter = TimeSpan.FromMilliseconds(20) };
        var time = TimeProvider.System;
        _table = new ConnectionTable(options);
        _context = new ServerContext(
            options, new FakeBlockService(_directory.FullName), new BlockServerMetrics(), new ServerLog(NullLogger.Instance, time), time);
        _threads = new ConnectionThreads(_context, _table, StartThread);
        _poller = new Thread(_threads.Poll);
        _poller.Start();
    }

    [Fact]
    public async Task A_connection_whose_thread_cannot_be_started_is_served_by_the_next_there_is()
    {
        using var first = await ConnectAsync();
        var welcomed = ShakeHandsAsync(first);
        await Eventually.Is(() => Volatile.Read(ref _failed) == 1, "there is no thread for it");
        Assert.False(welcomed.IsCompleted);
        await Eventually.Is(() => _context.Metrics.BusyConnections == 0, "it is put back");

        Volatile.Write(ref _allowed, 1);
        await IsWelcomedAsync(welcomed);

        // There is one thread at most: whether it is still with the first or has ended, the second is served.
        using var second = await ConnectAsync();
        await IsWelcomedAsync(ShakeHandsAsync(second));
        await Eventually.Is(() => _context.Metrics.BusyConnections == 0, "both are idle");
    }

    public void Dispose()
    {
        Volatile.Write(ref _allowed, int.MaxValue);
        _table.Close();
        var left = new List<ServerConnection>();
        _table.CopyTo(left);
        left.ForEach(static connection => connection.Stop());
        _threads.StartMissing(); // Of a test that has failed: else the poller waits for it.
        _threads.Wake();
        _poller.Join();
        _threads.Dispose();
        _listener.Dispose();
        _directory.Delete(recursive: true);
    }

    private async Task IsWelcomedAsync(Task<bool> welcomed)
    {
        await Eventually.Is(
            () =>
            {
                _threads.StartMissing(); // As the watchdog does.
                return welcomed.IsCompleted;
            },
            "it is served when there is a thread");
        Assert.True(await welcomed);
    }

    private void StartThread(Action body, string name)
    {
        if (Interlocked.Decrement(ref _allowed) < 0)
        {
            Interlocked.Increment(ref _allowed);
            Interlocked.Increment(ref _failed);
            throw new OutOfMemoryException("no more threads");
        }

        // It counts until it has ended.
        new Thread(() =>
        {
            body();
            Interlocked.Increment(ref _allowed);
        }).Start();
    }

    private Task<StreamSocket> ConnectAsync() => Task.Run(() =>
    {
        var socket = StreamSocket.Connect(_listener.LocalEndPoint, TimeSpan.FromSeconds(5), out _)!;
        var connection = new ServerConnection(_context, _listener.Accept()!.Value.Socket, "peer", isUnix: false);
        Assert.True(_table.TryAdd(connection));
        _threads.Add(connection);
        return socket;
    });

    private static Task<bool> ShakeHandsAsync(StreamSocket socket) => Task.Factory.StartNew(
        () => new ClientHandshake(new PlainWire(socket), new HandshakeIdentity(PeerRole.Client, "test", default), false, "test").Run() is not null,
        TaskCreationOptions.LongRunning);
}
