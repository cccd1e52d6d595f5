namespace OrleansCache.DataPlane.Handshakes;

/// <summary>Why a handshake was refused. Counted; sent to the peer where it helps and gives nothing away.</summary>
public enum HandshakeRefusal : byte
{
    /// <summary>Not refused.</summary>
    None,

    /// <summary>No protocol version in common.</summary>
    Version,

    /// <summary>The peer belongs to another cluster.</summary>
    Cluster,

    /// <summary>This end has a cluster secret and the peer has none.</summary>
    SecretRequired,

    /// <summary>The peer has a cluster secret and this end has none.</summary>
    SecretUnexpected,

    /// <summary>The MAC is wrong: another secret, or somebody in between.</summary>
    Proof,

    /// <summary>The Unix socket's peer is another user.</summary>
    PeerUser,

    /// <summary>A role that does not belong at this end.</summary>
    Role,

    /// <summary>Not a handshake.</summary>
    Malformed,

    /// <summary>Not finished in time.</summary>
    TimedOut,

    /// <summary>As many connections as allowed exist.</summary>
    TooManyConnections,

    /// <summary>The peer left.</summary>
    Disconnected,

    /// <summary>The peer does not speak TLS and has to.</summary>
    TlsRequired,

    /// <summary>The peer speaks TLS and this end does not.</summary>
    TlsUnexpected,

    /// <summary>No TLS session: the certificate is not trusted, or the peer offers no TLS 1.3.</summary>
    TlsFailed,
}
