using OrleansCache.Files;

namespace OrleansCache.DataPlane;

/// <summary>
/// Reads a client answered by itself since its last report: they count as hits of the source and as recency of the file.
/// </summary>
/// <param name="Key">A presented key.</param>
/// <param name="Reads">Reads answered from leased descriptors.</param>
/// <param name="Bytes">Bytes of those reads.</param>
public readonly record struct UsageReport(FileKey Key, long Reads, long Bytes);
