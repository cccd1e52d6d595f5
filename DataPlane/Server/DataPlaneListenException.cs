namespace OrleansCache.DataPlane.Server;

/// <summary>Why the block server cannot listen.</summary>
public enum DataPlaneListenError
{
    /// <summary>Somebody else has the port or serves the Unix socket.</summary>
    Taken,

    /// <summary>The address is not one of this host, or cannot be used.</summary>
    Address,

    /// <summary>Off loopback a cluster secret is needed.</summary>
    SecretRequired,

    /// <summary>Off loopback without TLS, and nobody said that the network is trusted.</summary>
    TrustRequired,

    /// <summary>The certificate cannot be used.</summary>
    Certificate,

    /// <summary>The Unix socket's directory is open to others, or the path is too long or in use as something else.</summary>
    SocketPath,
}

/// <summary>The block server cannot listen. The message says where, why and what to do.</summary>
public sealed class DataPlaneListenException(DataPlaneListenError error, string message, Exception? cause = null)
    : Exception(message, cause)
{
    /// <summary>Why.</summary>
    public DataPlaneListenError Error { get; } = error;
}
