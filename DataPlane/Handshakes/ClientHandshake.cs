using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Wires;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Handshakes;

/// <summary>The client's side of the handshake.</summary>
internal sealed class ClientHandshake(IWire wire, HandshakeIdentity identity, bool passesDescriptors, string server)
{
    private readonly HandshakeChannel _channel = new(wire);

    /// <summary>Runs it to its end.</summary>
    /// <returns>The server's offer, cut to what both ends can do; null when the connection ended.</returns>
    /// <exception cref="HandshakeRefusedException">One of the two ends refuses.</exception>
    public HandshakeOffer? Run()
    {
        if (passesDescriptors && !ServerHandshake.IsTrustedUser(wire.Socket.GetPeerCredentials().UserId))
        {
            throw new HandshakeRefusedException(
                HandshakeRefusal.PeerUser, $"{server} is served by another user: it is not our silo's socket");
        }

        var features = passesDescriptors ? Features.Offered : Features.Offered & ~Features.Descriptors;
        var hello = identity.MakeOffer(features, 0);
        var helloPayload = hello.Encode();
        // A server that is full says so and closes at once: its refusal is there even if our hello came too late to be sent.
        var isSent = _channel.Send(FrameType.Hello, FrameFlags.None, ReadStatus.Ok, helloPayload);
        if (!TryReceive(FrameType.Challenge, out var challengePayload) || !isSent)
        {
            return null;
        }

        var challenge = HandshakeOffer.TryDecode(challengePayload);
        var refusal = identity.Judge(challenge);
        if (refusal != HandshakeRefusal.None)
        {
            throw Mine(refusal);
        }

        if (challenge!.Role != PeerRole.Silo || challenge.MaxRequestsInFlight == 0 || challenge.MaxReadBytes <= 0)
        {
            throw Mine(HandshakeRefusal.Role);
        }

        var proof = identity.Prove(hello, helloPayload, challenge, challengePayload, wire.ChannelBinding);
        if (!_channel.Send(FrameType.Proof, FrameFlags.None, ReadStatus.Ok, proof.ClientMac)
            || !TryReceive(FrameType.Welcome, out var mac))
        {
            return null;
        }

        return proof.IsServerMac(mac)
            ? challenge with { Features = challenge.Features & features }
            : throw Mine(HandshakeRefusal.Proof);
    }

    private bool TryReceive(FrameType wanted, out ReadOnlySpan<byte> payload)
    {
        if (!_channel.TryReceive(out var header, out payload))
        {
            return _channel.Error == FrameError.None ? false : throw Mine(HandshakeRefusal.Malformed);
        }

        if (header.Type == FrameType.Welcome && header.Status != ReadStatus.Ok)
        {
            var refusal = payload.Length == 1 ? (HandshakeRefusal)payload[0] : HandshakeRefusal.Malformed;
            throw HandshakeRefusedException.ByServer(refusal, server);
        }

        return header.Type == wanted ? true : throw Mine(HandshakeRefusal.Malformed);
    }

    private HandshakeRefusedException Mine(HandshakeRefusal refusal) => new(refusal, refusal switch
    {
        HandshakeRefusal.Version => $"{server} speaks no protocol version this client knows: use the same release on both",
        HandshakeRefusal.Cluster => $"{server} belongs to another cluster: check the cluster name and the address",
        HandshakeRefusal.SecretRequired =>
            $"{server} has no cluster secret but this client has one: it is not our silo, or it was started without",
        HandshakeRefusal.SecretUnexpected => $"{server} wants proof of the cluster secret: give this client the same secret",
        HandshakeRefusal.Proof => $"{server} does not know our cluster secret: it is not our silo",
        HandshakeRefusal.Role => $"{server} is not a silo",
        _ => $"{server} does not speak the data plane's protocol: check host and port",
    });
}
