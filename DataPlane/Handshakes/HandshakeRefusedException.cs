namespace OrleansCache.DataPlane.Handshakes;

/// <summary>Two ends will not speak with each other. Trying again does not help, with few exceptions; the message says what would.</summary>
public sealed class HandshakeRefusedException(HandshakeRefusal refusal, string message) : Exception(message)
{
    /// <summary>Why.</summary>
    public HandshakeRefusal Refusal { get; } = refusal;

    /// <summary>Whether the next attempt may succeed: the server is full or slow, or what has its port while it restarts is no silo.</summary>
    public bool MayPass => Refusal is HandshakeRefusal.TooManyConnections or HandshakeRefusal.TimedOut or HandshakeRefusal.Disconnected
        or HandshakeRefusal.Malformed or HandshakeRefusal.Role;

    internal static HandshakeRefusedException ByServer(HandshakeRefusal refusal, string server) => new(refusal, refusal switch
    {
        HandshakeRefusal.Version => $"{server} speaks no protocol version this client knows: use the same release on both",
        HandshakeRefusal.Cluster => $"{server} belongs to another cluster: check the cluster name and the address",
        HandshakeRefusal.SecretRequired => $"{server} wants proof of the cluster secret: give this client the same secret",
        HandshakeRefusal.SecretUnexpected => $"{server} has no cluster secret but this client has: start the silo with the same secret",
        HandshakeRefusal.Proof => $"{server} does not accept this client's cluster secret: the two differ",
        HandshakeRefusal.PeerUser => $"{server} only serves its own user and root over its Unix socket",
        HandshakeRefusal.TooManyConnections => $"{server} has as many connections as it allows",
        HandshakeRefusal.TlsRequired => $"{server} speaks TLS only: give this client the authority of its certificate (--tls-ca)",
        HandshakeRefusal.TimedOut => $"{server} gave up waiting for the handshake",
        _ => $"{server} refused the handshake ({refusal})",
    });
}
