namespace OrleansCache.DataPlane.Frames;

/// <summary>What a frame is about. An answer has the type of its request and <see cref="FrameFlags.Answer"/>.</summary>
public enum FrameType : byte
{
    /// <summary>Handshake 1, client: versions, role, cluster and nonce.</summary>
    Hello = 1,

    /// <summary>Handshake 2, server: the same, and its limits.</summary>
    Challenge = 2,

    /// <summary>Handshake 3, client: its MAC.</summary>
    Proof = 3,

    /// <summary>Handshake 4, server: its MAC, or at any point of the handshake why it refuses.</summary>
    Welcome = 4,

    /// <summary>Present a capability.</summary>
    Present = 16,

    /// <summary>Make the start of a range resident.</summary>
    Ensure = 17,

    /// <summary>Read a range.</summary>
    Read = 18,

    /// <summary>Fill a range ahead of need. Has no answer.</summary>
    Prefetch = 19,

    /// <summary>Residency lease with descriptor.</summary>
    Lease = 20,

    /// <summary>Reads the server could not see. Has no answer.</summary>
    Report = 21,

    /// <summary>The silo's status.</summary>
    Status = 22,

    /// <summary>Give up the request of this id; that one is still answered. Has no answer of its own.</summary>
    Cancel = 23,

    /// <summary>
    /// Read many ranges. Answered in order: frames of one range until its bytes are there or a status ends it, then those of the next.
    /// All but the last have <see cref="FrameFlags.More"/>; a status without it ends the batch, for the ranges not answered, too.
    /// </summary>
    ReadBatch = 32,

    /// <summary>Reserved: write into staging.</summary>
    StageWrite = 33,

    /// <summary>Reserved: make staged bytes durable.</summary>
    Sync = 34,

    /// <summary>Reserved: publish a staged version.</summary>
    Commit = 35,

    /// <summary>Reserved: forget staged bytes or cached blocks.</summary>
    Drop = 36,

    /// <summary>Reserved: the load of a silo.</summary>
    LoadReport = 37,
}
