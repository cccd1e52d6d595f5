using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Tests;

/// <summary>
/// Peers of other releases offer other features. What one of them does not offer is never sent to it, is NotSupported when it asks
/// for it nevertheless, and everything else works; bits nobody knows mean nothing.
/// </summary>
public sealed class FeatureTests : IDisposable
{
    private const Features OfTomorrow = (Features)~0u;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("dp-features-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_without_batches_is_answered_NotSupported_and_served_the_rest(bool overUnix)
    {
        await using var server = new TestServer();
        var content = Eventually.Ramp(5000);
        var key = server.Service.Add(content);
        using var peer = RawPeer.ConnectWith(server, overUnix, Features.None);

        // A good batch, and one that would be malformed: who has no batches has no rules for them.
        foreach (var frame in new[] { Batches.Frame([new RangeRequest(key, 0, 10)], 7), RawPeer.Frame(FrameType.ReadBatch, new byte[5], 8) })
        {
            Assert.True(peer.Socket.SendAll(frame));
            var answer = peer.ReceiveHeader();
            Assert.Equal((FrameType.ReadBatch, ReadStatus.NotSupported), (answer.Type, answer.Status));
            Assert.Equal((frame[15], FrameFlags.Answer, 0), ((byte)answer.RequestId, answer.Flags, answer.PayloadBytes));
        }

        Assert.True(peer.Socket.SendAll(RawPeer.Read(key, 3, 4000, id: 9)));
        var read = peer.ReceiveHeader();
        var bytes = new byte[4000];
        Assert.Equal((9UL, ReadStatus.Ok, bytes.Length), (read.RequestId, read.Status, read.PayloadBytes));
        Assert.Equal(bytes.Length, peer.Socket.ReceiveFully(bytes));
        Assert.True(content.AsSpan(3, 4000).SequenceEqual(bytes));
        Assert.Equal((0, 0), (server.Metrics.MalformedFramesTotal, server.Service.Presented.Count));
    }

    [Fact]
    public async Task A_client_that_takes_no_descriptors_is_sent_none()
    {
        await using var server = new TestServer();
        var key = server.Service.Add(Eventually.Ramp(100));
        using var peer = RawPeer.ConnectWith(server, overUnix: true, Features.Batches);
        var payload = new byte[KeyCodec.Bytes];
        KeyCodec.Write(key, payload);

        Assert.True(peer.Socket.SendAll(RawPeer.Frame(FrameType.Lease, payload)));

        var answer = peer.ReceiveHeader();
        Assert.Equal((ReadStatus.NotSupported, FrameFlags.Answer, 0), (answer.Status, answer.Flags, answer.PayloadBytes));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_of_tomorrow_is_served_what_this_release_has(bool overUnix)
    {
        await using var server = new TestServer();
        var content = Eventually.Ramp(100);
        using var peer = RawPeer.ConnectWith(server, overUnix, OfTomorrow);

        Assert.True(peer.Socket.SendAll(Batches.Frame([new RangeRequest(server.Service.Add(content), 0, 100)])));

        var answer = peer.ReceiveHeader();
        var bytes = new byte[100];
        Assert.Equal((ReadStatus.Ok, 100), (answer.Status, answer.PayloadBytes));
        Assert.Equal(100, peer.Socket.ReceiveFully(bytes));
        Assert.Equal(content, bytes);
    }

    [Fact]
    public async Task A_server_without_batches_is_sent_none()
    {
        var (client, server) = await FakeServer.ConnectWithAsync(Features.None);
        using (server)
        {
            Assert.Equal(0, client.MaxBatchBytes);
            var batch = await client.ReadBatchAsync(new[] { Batches.Range(default, 0, 10) }, default).Ends();
            Assert.Equal((ReadStatus.NotSupported, 0), (batch.Status, client.RequestsInFlight));

            // The first thing it hears is the read.
            var bytes = new byte[10];
            var read = client.ReadAsync(new FileKey(1, 2), 0, bytes, default);
            Assert.True(server.Socket.SendAll(RawPeer.Frame(FrameType.Read, Eventually.Ramp(10), server.ReceiveRequestId(), FrameFlags.Answer)));
            Assert.Equal(ReadStatus.Ok, (await read.Ends()).Status);
            Assert.Equal(Eventually.Ramp(10), bytes);
            await client.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_server_that_offers_batches_and_then_has_none_is_believed_the_second_time(int ranges)
    {
        // What a reserved type is answered with, one range or many.
        var (client, server) = await FakeServer.ConnectAsync();
        using (server)
        {
            var reads = Enumerable.Range(0, ranges).Select(_ => Batches.Range(default, 0, 10)).ToArray();
            var batch = client.ReadBatchAsync(reads, default);
            var answer = RawPeer.Frame(FrameType.ReadBatch, default, server.ReceiveRequestId(ranges * BatchCodec.FixedBytes), FrameFlags.Answer);
            answer[3] = (byte)ReadStatus.NotSupported;
            Assert.True(server.Socket.SendAll(answer));

            var outcome = await batch.Ends();
            Assert.Equal(ReadStatus.NotSupported, ranges == 1 ? reads[0].Answer : outcome.Status);
            Assert.DoesNotContain(reads, read => read.Answer == ReadStatus.Ok);
            Assert.True(client.IsOpen);
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_server_without_descriptors_is_not_asked_for_one_and_one_of_tomorrow_is()
    {
        var (client, server) = await FakeServer.ConnectWithAsync(Features.None, Path.Combine(_directory.FullName, "old"));
        using (server)
        {
            Assert.False(client.PassesDescriptors);
            Assert.Equal(new LeaseOutcome(ReadStatus.NotSupported, null), await client.LeaseAsync(default, default).Ends());
            Assert.Equal(0, client.RequestsInFlight);
            await client.DisposeAsync();
        }

        (client, server) = await FakeServer.ConnectWithAsync(OfTomorrow, Path.Combine(_directory.FullName, "new"));
        using (server)
        {
            Assert.True(client.PassesDescriptors);
            Assert.Equal(FrameLimits.MaxBatchBytes, client.MaxBatchBytes);
            await client.DisposeAsync();
        }
    }
}
