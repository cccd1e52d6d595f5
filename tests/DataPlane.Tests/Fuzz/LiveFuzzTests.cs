using System.Diagnostics;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Server;
using OrleansCache.Files;
using Xunit.Abstractions;

namespace OrleansCache.DataPlane.Tests.Fuzz;

/// <summary>Mutated recordings against a live server and a live client: each ends, and the others are served.</summary>
public sealed class LiveFuzzTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_server_outlives_mutated_requests(bool overUnix)
    {
        await using var server = new TestServer();
        var content = Eventually.Ramp(200_000);
        var key = server.Service.Add(content);
        await using var other = await server.ConnectAsync();
        var mutator = NewMutator(out var seed);
        var recording = Recording(key);
        var rounds = await RunAsync(async () =>
        {
            using var peer = RawPeer.Connect(server, overUnix);
            await SendAsync(peer, mutator.Mutate(recording));
        });

        await IsWellAsync(server, other, key, content, seed);
        output.WriteLine($"{rounds:N0} rounds, {server.Metrics.MalformedFramesTotal:N0} malformed");
        Assert.True(server.Metrics.MalformedFramesTotal > 0, $"seed {seed}: nothing was malformed in {rounds} rounds");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_server_outlives_mutated_handshakes(bool hasSecret)
    {
        var secret = hasSecret ? TestServer.Secret : [];
        await using var server = new TestServer(path => new BlockServerOptions { ClusterId = "test", SocketPath = path, ClusterSecret = secret });
        var content = Eventually.Ramp(2000);
        var key = server.Service.Add(content);
        await using var other = await server.ConnectAsync(options: new BlockConnectionOptions { ClusterId = "test", ClusterSecret = secret });
        var mutator = NewMutator(out var seed);
        var rounds = await RunAsync(async () =>
        {
            using var peer = RawPeer.Connect(server, overUnix: false, shakeHands: false);
            var identity = new HandshakeIdentity(PeerRole.Client, "test", secret);
            var hello = RawPeer.Frame(FrameType.Hello, identity.MakeOffer(Features.Offered, 0).Encode(), id: 0);
            var proof = RawPeer.Frame(FrameType.Proof, new byte[HandshakeProof.MacBytes], id: 0);
            var inTwo = mutator.Random.Next(2) == 0;
            await SendAsync(peer, inTwo ? [.. hello, .. mutator.Mutate(proof)] : mutator.Mutate([.. hello, .. proof, .. Recording(key)]));
        });

        await IsWellAsync(server, other, key, content, seed);
        output.WriteLine($"{rounds:N0} rounds, {server.Metrics.RefusedHandshakesTotal:N0} refused");
        Assert.True(server.Metrics.RefusedHandshakesTotal > 0, $"seed {seed}: nothing was refused in {rounds} rounds");
    }

    [Fact]
    public async Task A_client_outlives_mutated_answers()
    {
        var mutator = NewMutator(out var seed);
        var answers = RawPeer.Frame(FrameType.Read, Eventually.Ramp(500), flags: FrameFlags.Answer | FrameFlags.More).Concat(
            RawPeer.Frame(FrameType.Read, Eventually.Ramp(500), flags: FrameFlags.Answer)).ToArray();
        var right = 0;
        var rounds = await RunAsync(async () =>
        {
            var (client, server) = await FakeServer.ConnectAsync();
            using (server)
            {
                // A guard at each end: whatever comes, only the buffer itself may be written to.
                var guarded = new byte[1000 + 200];
                var read = client.ReadAsync(default, 0, guarded.AsMemory(100, 1000), default);
                var id = server.ReceiveRequestId();
                var answer = (byte[])answers.Clone();
                foreach (var at in new[] { 0, FrameHeader.Bytes + 500 })
                {
                    System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(answer.AsSpan(at + 8), id);
                }

                server.Socket.SendAll(mutator.Mutate(answer));
                server.Socket.ShutdownSend();
                var outcome = await read.Ends();
                right += outcome.Status == ReadStatus.Ok ? 1 : 0;
                Assert.True(outcome.Status != ReadStatus.Ok || outcome.Bytes == 1000, $"seed {seed}: Ok with {outcome.Bytes} bytes");
                Assert.False(
                    guarded.AsSpan(0, 100).ContainsAnyExcept((byte)0) || guarded.AsSpan(1100).ContainsAnyExcept((byte)0),
                    $"seed {seed}: written outside the buffer");
                await client.DisposeAsync();
            }
        });
        output.WriteLine($"{rounds:N0} rounds, {right:N0} read");
    }

    private Mutator NewMutator(out int seed)
    {
        seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        return new Mutator(seed);
    }

    private static async Task<int> RunAsync(Func<Task> round)
    {
        var rounds = 0;
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < Mutator.Budget || rounds < 20; rounds++)
        {
            await round();
        }

        return rounds;
    }

    private static async Task SendAsync(RawPeer peer, byte[] bytes)
    {
        // The server may have closed before all of it is sent.
        peer.Socket.SendAll(bytes);
        peer.Socket.ShutdownSend();
        await peer.WaitClosedAsync();
    }

    private static async Task IsWellAsync(TestServer server, BlockConnection other, FileKey key, byte[] content, int seed)
    {
        var buffer = new byte[content.Length];
        Assert.Equal(ReadStatus.Ok, (await other.ReadAsync(key, 0, buffer, default).Ends()).Status);
        Assert.True(content.AsSpan().SequenceEqual(buffer), $"seed {seed}: the bytes differ");
        await Eventually.Is(
            () => server.Metrics.Connections == 1 && server.Service.Pins == 0 && server.Service.Waiting == 0, $"seed {seed}: all is given back");
        Assert.Equal(0, server.Metrics.ServiceFailures);
    }

    /// <summary>One of each request.</summary>
    private static byte[] Recording(FileKey key)
    {
        var capability = Batches.Capability("a/file");
        var sealedBytes = new byte[capability.EncodedBytes];
        capability.Encode(sealedBytes);
        var range = new byte[RangeRequest.Bytes];
        new RangeRequest(key, 100, 5000).Write(range);
        var keyBytes = new byte[KeyCodec.Bytes];
        KeyCodec.Write(key, keyBytes);
        var report = new byte[ReportCodec.EntryBytes];
        ReportCodec.Write(new UsageReport(key, 3, 4), report);
        return
        [
            .. RawPeer.Frame(FrameType.Present, sealedBytes, 1),
            .. RawPeer.Frame(FrameType.Ensure, range, 2),
            .. RawPeer.Frame(FrameType.Read, range, 3),
            .. RawPeer.Frame(FrameType.Prefetch, range, 4),
            .. RawPeer.Frame(FrameType.Lease, keyBytes, 5),
            .. RawPeer.Frame(FrameType.Report, report, 6),
            .. Batches.Frame([new RangeRequest(key, 0, 100), new RangeRequest(key, 1000, 40_000), new RangeRequest(default, 0, 1)], 7),
            .. RawPeer.Frame(FrameType.Status, default, 8),
            .. RawPeer.Frame(FrameType.Cancel, default, 7),
            .. RawPeer.Read(key, 0, 200_000, 9),
        ];
    }
}
