using OrleansCache.Files;

namespace OrleansCache.DataPlane.Frames;

/// <summary>The hard bounds of the wire.</summary>
public static class FrameLimits
{
    /// <summary>
    /// Most bytes one read asks for: two default blocks. More would only hold a connection longer; clients split.
    /// </summary>
    public const int MaxReadBytes = 8 << 20;

    /// <summary>Most ranges in one batch: 64 small files with their capabilities fill a request frame.</summary>
    public const int MaxBatchRanges = 64;

    /// <summary>Most bytes one batch asks for, all its ranges together: what one read may, for the same reason.</summary>
    public const int MaxBatchBytes = MaxReadBytes;

    /// <summary>Most reports in one frame.</summary>
    public const int MaxReports = 256;

    /// <summary>Longest payload of any request: a report's or a batch's, and reserved types get no more than that.</summary>
    public const int MaxRequestPayloadBytes = MaxReports * ReportCodec.EntryBytes;

    /// <summary>Longest status: thousands of sources.</summary>
    public const int MaxStatusBytes = 4 << 20;

    /// <summary>Longest bitmap of a lease: 2^23 blocks, 32 TiB in default blocks.</summary>
    public const int MaxBitmapBytes = 1 << 20;

    /// <summary>Longest handshake payload: fixed fields and a cluster id of 256 bytes.</summary>
    public const int MaxHandshakeBytes = 512;

    /// <summary>Longest payload of a type; -1 for types that are not defined or have no answer.</summary>
    public static int MaxPayloadBytes(FrameType type, bool isAnswer) => isAnswer
        ? type switch
        {
            FrameType.Hello or FrameType.Challenge or FrameType.Proof => -1,
            FrameType.Welcome => MaxHandshakeBytes,
            FrameType.Read or FrameType.ReadBatch => MaxReadBytes,
            FrameType.Ensure => EnsureAnswer.Bytes,
            FrameType.Lease => LeaseAnswer.FixedBytes + MaxBitmapBytes,
            FrameType.Status => MaxStatusBytes,
            FrameType.Present => 0,
            >= FrameType.StageWrite and <= FrameType.LoadReport => 0,
            _ => -1,
        }
        : type switch
        {
            FrameType.Hello or FrameType.Challenge or FrameType.Proof or FrameType.Welcome => MaxHandshakeBytes,
            FrameType.Present => ReadCapability.MaxEncodedBytes,
            FrameType.Ensure or FrameType.Read or FrameType.Prefetch => RangeRequest.Bytes,
            FrameType.Lease => KeyCodec.Bytes,
            FrameType.Report => MaxRequestPayloadBytes,
            FrameType.Status or FrameType.Cancel => 0,
            >= FrameType.ReadBatch and <= FrameType.LoadReport => MaxRequestPayloadBytes,
            _ => -1,
        };
}
