namespace OrleansCache.DataPlane.Handshakes;

/// <summary>What a peer is. Part of the MAC: a client's words cannot be passed off as a silo's.</summary>
public enum PeerRole : byte
{
    /// <summary>A client.</summary>
    Client = 1,

    /// <summary>A silo.</summary>
    Silo = 2,
}
