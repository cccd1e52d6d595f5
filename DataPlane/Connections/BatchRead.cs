using OrleansCache.DataPlane.Frames;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Connections;

/// <summary>One range of a batch, and what became of it.</summary>
/// <param name="Key">The file version.</param>
/// <param name="OffsetBytes">Start.</param>
/// <param name="Destination">Filled wholly when Ok; its length is the range's.</param>
/// <param name="Capability">The right to read; null when it was presented to this server before.</param>
public record struct BatchRead(FileKey Key, long OffsetBytes, Memory<byte> Destination, ReadCapability? Capability)
{
    /// <summary>How it ended; null while it has not.</summary>
    public ReadStatus? Answer { get; set; }

    /// <summary>Whether the silo had the bytes, when Ok.</summary>
    public bool WasResident { get; set; }

    /// <summary>Room a range takes in the request frame, of <see cref="FrameLimits.MaxRequestPayloadBytes"/>.</summary>
    public readonly int FrameBytes => BatchCodec.BytesOf(Capability);
}
