using System.Buffers.Binary;

namespace OrleansCache.DataPlane.Frames;

/// <summary>Usage reports on the wire: entries back to back.</summary>
internal static class ReportCodec
{
    public const int EntryBytes = KeyCodec.Bytes + 16;

    public static void Write(UsageReport report, Span<byte> destination)
    {
        KeyCodec.Write(report.Key, destination);
        BinaryPrimitives.WriteInt64BigEndian(destination[16..], report.Reads);
        BinaryPrimitives.WriteInt64BigEndian(destination[24..], report.Bytes);
    }

    /// <summary>Reads the first entry; false for what nobody can have read.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out UsageReport report)
    {
        report = new UsageReport(
            KeyCodec.Read(source),
            BinaryPrimitives.ReadInt64BigEndian(source[16..]),
            BinaryPrimitives.ReadInt64BigEndian(source[24..]));
        return report.Reads >= 0 && report.Bytes >= 0;
    }
}
