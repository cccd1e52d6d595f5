namespace OrleansCache.DataPlane.Frames;

/// <summary>What both ends of a connection can do, agreed in the handshake: the bits both have set.</summary>
[Flags]
public enum Features : uint
{
    /// <summary>Reads, prefetch, reports and status, which every version can.</summary>
    None = 0,

    /// <summary>Passes descriptors: only over a Unix socket.</summary>
    Descriptors = 1,

    /// <summary>Answers <see cref="FrameType.ReadBatch"/>.</summary>
    Batches = 2,

    /// <summary>What this build offers.</summary>
    Offered = Descriptors | Batches,
}
