namespace OrleansCache.DataPlane.Frames;

/// <summary>Flags of one frame. Unknown bits are an error: new ones need a negotiated <see cref="Features"/> bit.</summary>
[Flags]
public enum FrameFlags : byte
{
    /// <summary>A request.</summary>
    None = 0,

    /// <summary>An answer.</summary>
    Answer = 1,

    /// <summary>More frames answer the same request: this one has no final status yet.</summary>
    More = 2,

    /// <summary>Nothing had to be fetched for this answer.</summary>
    Resident = 4,

    /// <summary>A descriptor came with this frame.</summary>
    Descriptor = 8,
}
