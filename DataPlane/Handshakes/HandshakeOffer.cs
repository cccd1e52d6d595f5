using System.Buffers.Binary;
using System.Text;
using OrleansCache.DataPlane.Frames;

namespace OrleansCache.DataPlane.Handshakes;

/// <summary>
/// What one end says of itself: payload of Hello and of Challenge. Two bytes each: lowest and highest protocol version
/// (a Challenge names the chosen one twice), then features 4, role 1, secret 1, requests in flight 2, read bytes 4, nonce 32,
/// cluster id.
/// </summary>
internal sealed record HandshakeOffer
{
    public const ushort ProtocolVersion = 1;
    public const int NonceBytes = 32;
    public const int MaxClusterIdBytes = 256;
    private const int FixedBytes = 2 + 2 + 4 + 1 + 1 + 2 + 4 + NonceBytes;

    public required ushort LowestVersion { get; init; }

    public required ushort HighestVersion { get; init; }

    public required Features Features { get; init; }

    public required PeerRole Role { get; init; }

    /// <summary>Whether this end has a cluster secret and wants proof.</summary>
    public required bool HasSecret { get; init; }

    /// <summary>Most requests in flight on this connection; 0 from a client that leaves it to the server.</summary>
    public required ushort MaxRequestsInFlight { get; init; }

    public required int MaxReadBytes { get; init; }

    public required byte[] Nonce { get; init; }

    public required string ClusterId { get; init; }

    /// <summary>The payload; part of what the MACs cover, so it is made once.</summary>
    public byte[] Encode()
    {
        var payload = new byte[FixedBytes + Encoding.UTF8.GetByteCount(ClusterId)];
        BinaryPrimitives.WriteUInt16BigEndian(payload, LowestVersion);
        BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(2), HighestVersion);
        BinaryPrimitives.WriteUInt32BigEndian(payload.AsSpan(4), (uint)Features);
        payload[8] = (byte)Role;
        payload[9] = HasSecret ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(10), MaxRequestsInFlight);
        BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan(12), MaxReadBytes);
        Nonce.CopyTo(payload.AsSpan(16));
        Encoding.UTF8.GetBytes(ClusterId, payload.AsSpan(FixedBytes));
        return payload;
    }

    public static HandshakeOffer? TryDecode(ReadOnlySpan<byte> payload)
    {
        if (payload.Length is < FixedBytes or > FixedBytes + MaxClusterIdBytes || payload[9] > 1)
        {
            return null;
        }

        var offer = new HandshakeOffer
        {
            LowestVersion = BinaryPrimitives.ReadUInt16BigEndian(payload),
            HighestVersion = BinaryPrimitives.ReadUInt16BigEndian(payload[2..]),
            Features = (Features)BinaryPrimitives.ReadUInt32BigEndian(payload[4..]),
            Role = (PeerRole)payload[8],
            HasSecret = payload[9] == 1,
            MaxRequestsInFlight = BinaryPrimitives.ReadUInt16BigEndian(payload[10..]),
            MaxReadBytes = BinaryPrimitives.ReadInt32BigEndian(payload[12..]),
            Nonce = payload.Slice(16, NonceBytes).ToArray(),
            ClusterId = Encoding.UTF8.GetString(payload[FixedBytes..]),
        };
        return offer.LowestVersion <= offer.HighestVersion ? offer : null;
    }
}
