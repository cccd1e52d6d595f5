using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Wires;
using OrleansCache.Files;
using OrleansCache.Linux;

namespace OrleansCache.DataPlane.Handshakes;

/// <summary>The server's side: Hello in, Challenge out, Proof in, Welcome out. It proves itself only to who has proven first.</summary>
internal sealed class ServerHandshake(IWire wire, HandshakeIdentity identity, bool passesDescriptors, int maxRequestsInFlight)
{
    private readonly HandshakeChannel _channel = new(wire);

    /// <summary>What both ends can do, when accepted.</summary>
    public Features Agreed { get; private set; }

    /// <summary>What was wrong with a frame, when malformed.</summary>
    public FrameError Error => _channel.Error;

    /// <summary>Runs it to its end; the peer has been told of a refusal.</summary>
    public HandshakeRefusal Run()
    {
        var refusal = Exchange();
        if (refusal is not (HandshakeRefusal.None or HandshakeRefusal.Disconnected))
        {
            _channel.Refuse(refusal);
        }

        return refusal;
    }

    private HandshakeRefusal Exchange()
    {
        if (passesDescriptors && !IsTrustedUser(wire.Socket.GetPeerCredentials().UserId))
        {
            return HandshakeRefusal.PeerUser;
        }

        if (!_channel.TryReceive(out var header, out var helloPayload))
        {
            return NotReceived();
        }

        var hello = header.Type == FrameType.Hello ? HandshakeOffer.TryDecode(helloPayload) : null;
        var refusal = identity.Judge(hello);
        if (refusal != HandshakeRefusal.None)
        {
            return refusal;
        }

        if (hello!.Role is not (PeerRole.Client or PeerRole.Silo))
        {
            return HandshakeRefusal.Role;
        }

        var offered = passesDescriptors ? Features.Offered : Features.Offered & ~Features.Descriptors;
        var challenge = identity.MakeOffer(offered, maxRequestsInFlight);
        var challengePayload = challenge.Encode();
        var proof = identity.Prove(hello, helloPayload, challenge, challengePayload, wire.ChannelBinding);
        if (!_channel.Send(FrameType.Challenge, FrameFlags.None, ReadStatus.Ok, challengePayload))
        {
            return HandshakeRefusal.Disconnected;
        }

        if (!_channel.TryReceive(out header, out var mac))
        {
            return NotReceived();
        }

        if (header.Type != FrameType.Proof)
        {
            return HandshakeRefusal.Malformed;
        }

        if (!proof.IsClientMac(mac))
        {
            return HandshakeRefusal.Proof;
        }

        Agreed = offered & hello.Features;
        return _channel.Send(FrameType.Welcome, FrameFlags.Answer, ReadStatus.Ok, proof.ServerMac)
            ? HandshakeRefusal.None
            : HandshakeRefusal.Disconnected;
    }

    /// <summary>Our own user and root may use the Unix socket: both could read the cache files anyway.</summary>
    internal static bool IsTrustedUser(uint userId) => userId == 0 || userId == PeerCredentials.EffectiveUserId;

    private HandshakeRefusal NotReceived() =>
        _channel.Error == FrameError.None ? HandshakeRefusal.Disconnected
        : _channel.Error == FrameError.Version && _channel.IsTls ? HandshakeRefusal.TlsUnexpected
        : HandshakeRefusal.Malformed;
}
