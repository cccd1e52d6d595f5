using System.Diagnostics;
using System.Globalization;
using System.Net;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Wires;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Tests.Load;

/// <summary>
/// Many connections that say nothing, in a process of their own: both ends of 10,000 are more descriptors than a process may have.
/// </summary>
internal sealed class IdlePeers : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly Process _process;

    private IdlePeers(Process process) => _process = process;

    public static async Task<IdlePeers> StartAsync(int port, int count)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var argument in new[] { "exec", typeof(IdlePeers).Assembly.Location, Text(port), Text(count) })
        {
            start.ArgumentList.Add(argument);
        }

        var peers = new IdlePeers(Process.Start(start)!);
        Assert.Equal($"connected {count}", await peers._process.StandardOutput.ReadLineAsync().WaitAsync(Patience));
        return peers;
    }

    /// <summary>Each of them asks for the status; how many were answered.</summary>
    public async Task<int> AskAsync()
    {
        await _process.StandardInput.WriteLineAsync("ask");
        var answer = await _process.StandardOutput.ReadLineAsync().WaitAsync(Patience);
        return int.Parse(answer ?? "-1", CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync().WaitAsync(Patience);
        _process.Dispose();
    }

    /// <summary>The other process: port and count.</summary>
    public static int Main(string[] args)
    {
        if (args.Length != 2)
        {
            return 2;
        }

        var port = int.Parse(args[0], CultureInfo.InvariantCulture);
        var sockets = Enumerable.Range(0, int.Parse(args[1], CultureInfo.InvariantCulture)).Select(_ => Connect(port)).ToList();
        Console.WriteLine($"connected {sockets.Count}");
        while (Console.ReadLine() is not null)
        {
            var question = RawPeer.Frame(FrameType.Status, default);
            var asked = sockets.Count(socket => socket.SendAll(question));
            Console.WriteLine(Text(Math.Min(asked, sockets.Count(IsAnswered))));
        }

        return 0;
    }

    private static StreamSocket Connect(int port)
    {
        var address = new IPEndPoint(IPAddress.Loopback, port);
        var socket = StreamSocket.Connect(address, Patience, out var errno) ?? throw new IOException($"connect: {errno}");
        var identity = new HandshakeIdentity(PeerRole.Client, "test", default);
        return new ClientHandshake(new PlainWire(socket), identity, false, "test server").Run() is null
            ? throw new IOException("the server left")
            : socket;
    }

    private static bool IsAnswered(StreamSocket socket)
    {
        var header = new byte[FrameHeader.Bytes];
        return socket.ReceiveFully(header) == header.Length
            && FrameHeader.Read(header, out var answer) == FrameError.None
            && socket.ReceiveFully(new byte[answer.PayloadBytes]) == answer.PayloadBytes;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
