using System.Net;
using OrleansCache.DataPlane.Connections;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Handshakes;
using OrleansCache.DataPlane.Server;
using OrleansCache.DataPlane.Wires;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Tests;

/// <summary>Who may speak with whom.</summary>
public sealed class HandshakeTests
{
    private static TestServer WithSecret() => new(socketPath => new BlockServerOptions
    {
        ClusterId = "test",
        SocketPath = socketPath,
        ClusterSecret = TestServer.Secret,
        HandshakeTimeout = TimeSpan.FromMilliseconds(500),
    });

    private static BlockConnectionOptions Client(string clusterId, byte[] secret) =>
        new() { ClusterId = clusterId, ClusterSecret = secret };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task With_the_same_secret_both_ends_agree(bool overUnix)
    {
        await using var server = WithSecret();
        await using var connection = await server.ConnectAsync(overUnix, Client("test", TestServer.Secret));
        var key = server.Service.Add(Eventually.Ramp(100));

        Assert.Equal(ReadStatus.Ok, (await connection.ReadAsync(key, 0, new byte[100], default).Ends()).Status);
    }

    public static TheoryData<bool, string, string, HandshakeRefusal> Refusals => new()
    {
        { true, "test", "another secret", HandshakeRefusal.Proof },
        { true, "test", "", HandshakeRefusal.SecretRequired },
        { true, "another cluster", "a secret for tests only", HandshakeRefusal.Cluster },
        { false, "test", "a secret for tests only", HandshakeRefusal.SecretUnexpected },
        { false, "another cluster", "", HandshakeRefusal.Cluster },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Who_does_not_belong_is_refused_with_the_reason(
        bool serverHasSecret, string clusterId, string secret, HandshakeRefusal refusal)
    {
        await using var server = serverHasSecret ? WithSecret() : new TestServer();
        var options = Client(clusterId, System.Text.Encoding.UTF8.GetBytes(secret));

        foreach (var overUnix in new[] { true, false })
        {
            var refused = await Assert.ThrowsAsync<HandshakeRefusedException>(() => server.ConnectAsync(overUnix, options));
            Assert.Equal(refusal, refused.Refusal);
        }

        await Eventually.Is(
            () => server.Metrics.RefusedHandshakes(refusal) == 2 && server.Metrics.Connections == 0, "both refusals are counted");
    }

    [Fact]
    public async Task A_recorded_handshake_replayed_is_refused()
    {
        await using var server = WithSecret();
        var address = new IPEndPoint(IPAddress.Loopback, server.Tcp.Port);
        var identity = new HandshakeIdentity(PeerRole.Client, "test", TestServer.Secret);
        var hello = identity.MakeOffer(Features.None, 0);

        // A good handshake, recorded by hand.
        using var good = Connect(address);
        var channel = new HandshakeChannel(new PlainWire(good));
        var mac = AnswerChallenge(channel, identity, hello);
        Assert.True(channel.Send(FrameType.Proof, FrameFlags.None, ReadStatus.Ok, mac));
        Assert.True(channel.TryReceive(out var welcome, out _));
        Assert.Equal((FrameType.Welcome, ReadStatus.Ok), (welcome.Type, welcome.Status));

        // The same words again: the server's nonce is another one.
        using var replay = Connect(address);
        var replayed = new HandshakeChannel(new PlainWire(replay));
        _ = AnswerChallenge(replayed, identity, hello);
        Assert.True(replayed.Send(FrameType.Proof, FrameFlags.None, ReadStatus.Ok, mac));
        Assert.True(replayed.TryReceive(out var answer, out var reason));

        Assert.Equal((ReadStatus.AccessDenied, (byte)HandshakeRefusal.Proof), (answer.Status, reason[0]));
        await Eventually.Is(
            () => server.Metrics.RefusedHandshakes(HandshakeRefusal.Proof) == 1, "the refusal is counted after it was answered");
    }

    [Fact]
    public async Task A_servers_own_words_sent_back_to_it_are_refused()
    {
        await using var server = WithSecret();
        var address = new IPEndPoint(IPAddress.Loopback, server.Tcp.Port);
        var identity = new HandshakeIdentity(PeerRole.Client, "test", TestServer.Secret);

        // What a server has said to somebody who knows the secret: its offer and its MAC.
        using var heard = Connect(address);
        var channel = new HandshakeChannel(new PlainWire(heard));
        var hello = identity.MakeOffer(Features.None, 0);
        Assert.True(channel.Send(FrameType.Hello, FrameFlags.None, ReadStatus.Ok, hello.Encode()));
        Assert.True(channel.TryReceive(out _, out var payload));
        var challenge = payload.ToArray();
        var mac = identity.Prove(hello, hello.Encode(), HandshakeOffer.TryDecode(challenge)!, challenge).ClientMac.ToArray();
        Assert.True(channel.Send(FrameType.Proof, FrameFlags.None, ReadStatus.Ok, mac));
        Assert.True(channel.TryReceive(out _, out payload));
        var serverMac = payload.ToArray();

        // The offer as ours, role and all, then in turn its MAC, the client's, and its next offer.
        foreach (var proof in new[] { serverMac, mac, null })
        {
            using var reflecting = Connect(address);
            var reflected = new HandshakeChannel(new PlainWire(reflecting));
            Assert.True(reflected.Send(FrameType.Hello, FrameFlags.None, ReadStatus.Ok, challenge));
            Assert.True(reflected.TryReceive(out _, out var next));
            var words = proof ?? next.ToArray();
            Assert.True(reflected.Send(FrameType.Proof, FrameFlags.None, ReadStatus.Ok, words));
            Assert.True(reflected.TryReceive(out var answer, out var reason));
            Assert.Equal((ReadStatus.AccessDenied, (byte)HandshakeRefusal.Proof), (answer.Status, reason[0]));
        }

        await Eventually.Is(() => server.Metrics.RefusedHandshakes(HandshakeRefusal.Proof) == 3, "all are counted");
        await using var good = await server.ConnectAsync(overUnix: false, Client("test", TestServer.Secret));
        Assert.True(good.IsOpen);
    }

    [Fact]
    public async Task A_server_that_does_not_know_the_secret_is_refused_by_the_client()
    {
        using var listener = StreamSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0), 1);
        var impostor = Task.Factory.StartNew(
            () =>
            {
                using var socket = listener.Accept()!.Value.Socket;
                var channel = new HandshakeChannel(new PlainWire(socket));
                Assert.True(channel.TryReceive(out _, out _));
                var identity = new HandshakeIdentity(PeerRole.Silo, "test", "some other secret"u8.ToArray());
                channel.Send(FrameType.Challenge, FrameFlags.None, ReadStatus.Ok, identity.MakeOffer(Features.None, 8).Encode());
                Assert.True(channel.TryReceive(out _, out var proof));

                // Reflects the client's own MAC: the best an impostor can do.
                channel.Send(FrameType.Welcome, FrameFlags.Answer, ReadStatus.Ok, proof.ToArray());
                socket.Receive(new byte[1]);
            },
            TaskCreationOptions.LongRunning);

        var endpoint = new DataEndpoint("127.0.0.1", listener.LocalEndPoint.Port, null);
        var refused = await Assert.ThrowsAsync<HandshakeRefusedException>(() => BlockConnection.ConnectAsync(
            endpoint, Client("test", TestServer.Secret), TimeProvider.System, CancellationToken.None));

        Assert.Equal(HandshakeRefusal.Proof, refused.Refusal);
        await impostor.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(60)]
    public async Task A_handshake_that_is_not_finished_in_time_is_ended(int bytesSent)
    {
        await using var server = WithSecret();
        using var slow = Connect(new IPEndPoint(IPAddress.Loopback, server.Tcp.Port));
        var frame = new byte[200];
        new FrameHeader(FrameType.Hello, FrameFlags.None, ReadStatus.Ok, 100, 0).Write(frame);
        Assert.True(slow.SendAll(frame.AsSpan(0, bytesSent)));

        await Eventually.Is(() => server.Metrics.RefusedHandshakes(HandshakeRefusal.TimedOut) == 1, "the watchdog ends it");
        await Eventually.Is(() => server.Metrics.Connections == 0, "its connection is gone");
    }

    [Fact]
    public void No_two_handshakes_share_a_mac()
    {
        var identity = new HandshakeIdentity(PeerRole.Client, "test", TestServer.Secret);
        var hello = identity.MakeOffer(Features.None, 0);
        var challenge = identity.MakeOffer(Features.None, 64);
        var proof = identity.Prove(hello, hello.Encode(), challenge, challenge.Encode());
        var again = identity.Prove(hello, hello.Encode(), challenge, challenge.Encode());
        var otherNonce = identity.MakeOffer(Features.None, 64);
        var other = identity.Prove(hello, hello.Encode(), otherNonce, otherNonce.Encode());
        var meddled = challenge with { Features = Features.Descriptors };
        var changed = identity.Prove(hello, hello.Encode(), meddled, meddled.Encode());

        Assert.True(again.IsClientMac(proof.ClientMac) && again.IsServerMac(proof.ServerMac));
        Assert.False(other.IsClientMac(proof.ClientMac) || other.IsServerMac(proof.ServerMac));
        Assert.False(changed.IsClientMac(proof.ClientMac) || changed.IsServerMac(proof.ServerMac));
        Assert.False(proof.IsServerMac(proof.ClientMac), "a reflected MAC must not be accepted");
        Assert.False(proof.IsClientMac(default));
    }

    [Fact]
    public void The_unix_socket_trusts_its_own_user_and_root_only()
    {
        Assert.True(ServerHandshake.IsTrustedUser(0));
        Assert.True(ServerHandshake.IsTrustedUser(PeerCredentials.EffectiveUserId));
        Assert.False(ServerHandshake.IsTrustedUser(PeerCredentials.EffectiveUserId + 12345));
    }

    private static StreamSocket Connect(EndPoint address) =>
        StreamSocket.Connect(address, TimeSpan.FromSeconds(5), out var errno) ?? throw new IOException($"cannot connect: {errno}");

    private static byte[] AnswerChallenge(HandshakeChannel channel, HandshakeIdentity identity, HandshakeOffer hello)
    {
        Assert.True(channel.Send(FrameType.Hello, FrameFlags.None, ReadStatus.Ok, hello.Encode()));
        Assert.True(channel.TryReceive(out _, out var payload));
        var challenge = HandshakeOffer.TryDecode(payload);
        Assert.NotNull(challenge);
        return identity.Prove(hello, hello.Encode(), challenge, payload).ClientMac.ToArray();
    }
}
