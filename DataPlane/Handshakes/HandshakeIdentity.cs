using System.Security.Cryptography;
using OrleansCache.DataPlane.Frames;

namespace OrleansCache.DataPlane.Handshakes;

/// <summary>What this end brings to every handshake.</summary>
/// <param name="Role">What it is.</param>
/// <param name="ClusterId">Its cluster.</param>
/// <param name="Secret">The cluster secret; empty = none.</param>
internal sealed record HandshakeIdentity(PeerRole Role, string ClusterId, ReadOnlyMemory<byte> Secret)
{
    /// <summary>A fresh offer: the nonce is used once.</summary>
    public HandshakeOffer MakeOffer(Features features, int maxRequestsInFlight) => new()
    {
        LowestVersion = HandshakeOffer.ProtocolVersion,
        HighestVersion = HandshakeOffer.ProtocolVersion,
        Features = features,
        Role = Role,
        HasSecret = !Secret.IsEmpty,
        MaxRequestsInFlight = checked((ushort)maxRequestsInFlight),
        MaxReadBytes = FrameLimits.MaxReadBytes,
        Nonce = RandomNumberGenerator.GetBytes(HandshakeOffer.NonceBytes),
        ClusterId = ClusterId,
    };

    /// <summary>Why the other end's offer is not acceptable, or None.</summary>
    public HandshakeRefusal Judge(HandshakeOffer? theirs)
    {
        if (theirs is null)
        {
            return HandshakeRefusal.Malformed;
        }

        if (theirs.LowestVersion > HandshakeOffer.ProtocolVersion || theirs.HighestVersion < HandshakeOffer.ProtocolVersion)
        {
            return HandshakeRefusal.Version;
        }

        if (theirs.ClusterId != ClusterId)
        {
            return HandshakeRefusal.Cluster;
        }

        return (Secret.IsEmpty, theirs.HasSecret) switch
        {
            (false, false) => HandshakeRefusal.SecretRequired,
            (true, true) => HandshakeRefusal.SecretUnexpected,
            _ => HandshakeRefusal.None,
        };
    }

    /// <summary>The MACs of a handshake.</summary>
    public HandshakeProof Prove(
        HandshakeOffer hello,
        ReadOnlySpan<byte> helloPayload,
        HandshakeOffer challenge,
        ReadOnlySpan<byte> challengePayload,
        ReadOnlySpan<byte> channelBinding = default)
    {
        Span<byte> nonces = stackalloc byte[2 * HandshakeOffer.NonceBytes];
        hello.Nonce.CopyTo(nonces);
        challenge.Nonce.CopyTo(nonces[HandshakeOffer.NonceBytes..]);
        return new HandshakeProof(Secret.Span, helloPayload, challengePayload, nonces, channelBinding);
    }
}
