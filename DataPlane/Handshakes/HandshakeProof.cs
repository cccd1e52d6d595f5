using System.Buffers.Binary;
using System.Security.Cryptography;

namespace OrleansCache.DataPlane.Handshakes;

/// <summary>
/// The two MACs of a handshake. Keys: HKDF-SHA256 of the cluster secret, salted with both nonces, one per direction. Each MAC
/// covers both payloads (versions, roles, cluster id, nonces), the channel binding (the hash of the server's certificate; empty without TLS), and
/// the server's also covers the client's MAC. So nothing can be replayed (nonces), reflected (direction, role) or relayed
/// into another TLS session. Without a secret both MACs are zero.
/// </summary>
internal sealed class HandshakeProof
{
    public const int MacBytes = 32;

    private readonly byte[] _clientMac = new byte[MacBytes];
    private readonly byte[] _serverMac = new byte[MacBytes];

    public HandshakeProof(
        ReadOnlySpan<byte> secret,
        ReadOnlySpan<byte> hello,
        ReadOnlySpan<byte> challenge,
        ReadOnlySpan<byte> nonces,
        ReadOnlySpan<byte> channelBinding)
    {
        if (secret.IsEmpty)
        {
            return;
        }

        Span<byte> transcript = stackalloc byte[SHA256.HashSizeInBytes];
        HashTranscript(hello, challenge, channelBinding, transcript);

        Span<byte> key = stackalloc byte[SHA256.HashSizeInBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, key, nonces, "OrleansCache data plane 1: client to server"u8);
        HMACSHA256.HashData(key, transcript, _clientMac);

        Span<byte> answered = stackalloc byte[SHA256.HashSizeInBytes + MacBytes];
        transcript.CopyTo(answered);
        _clientMac.CopyTo(answered[SHA256.HashSizeInBytes..]);
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, key, nonces, "OrleansCache data plane 1: server to client"u8);
        HMACSHA256.HashData(key, answered, _serverMac);
        CryptographicOperations.ZeroMemory(key);
    }

    public ReadOnlySpan<byte> ClientMac => _clientMac;

    public ReadOnlySpan<byte> ServerMac => _serverMac;

    public bool IsClientMac(ReadOnlySpan<byte> mac) => CryptographicOperations.FixedTimeEquals(mac, _clientMac);

    public bool IsServerMac(ReadOnlySpan<byte> mac) => CryptographicOperations.FixedTimeEquals(mac, _serverMac);

    private static void HashTranscript(
        ReadOnlySpan<byte> hello, ReadOnlySpan<byte> challenge, ReadOnlySpan<byte> channelBinding, Span<byte> transcript)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, hello);
        Append(hash, challenge);
        Append(hash, channelBinding);
        hash.GetHashAndReset(transcript);
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> part)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, part.Length);
        hash.AppendData(length);
        hash.AppendData(part);
    }
}
