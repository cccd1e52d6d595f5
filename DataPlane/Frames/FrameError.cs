namespace OrleansCache.DataPlane.Frames;

/// <summary>Why a frame is malformed. Each closes the connection and is counted.</summary>
public enum FrameError : byte
{
    /// <summary>Nothing wrong.</summary>
    None,

    /// <summary>Another header version.</summary>
    Version,

    /// <summary>A type that is not defined.</summary>
    UnknownType,

    /// <summary>Flags or reserved fields that must be zero are not.</summary>
    Flags,

    /// <summary>A status that is not defined, or one in a request.</summary>
    Status,

    /// <summary>More payload than the type may have.</summary>
    PayloadTooLong,

    /// <summary>A payload that is not what the type says.</summary>
    Payload,

    /// <summary>A frame that does not belong here: an answer to a server, a request to a client, a handshake that is over.</summary>
    Unexpected,

    /// <summary>A request id that is in use.</summary>
    DuplicateRequest,

    /// <summary>The connection ended inside a frame, or a frame was not completed in time.</summary>
    Truncated,
}
