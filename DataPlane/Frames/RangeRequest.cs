using System.Buffers.Binary;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Frames;

/// <summary>Payload of ensure, read and prefetch requests.</summary>
internal readonly record struct RangeRequest(FileKey Key, long OffsetBytes, long LengthBytes)
{
    public const int Bytes = KeyCodec.Bytes + 16;

    /// <summary>Whether the numbers make a range: an answer, not a malformed frame, when they do not.</summary>
    public bool IsRange => OffsetBytes >= 0 && LengthBytes > 0 && OffsetBytes <= long.MaxValue - LengthBytes;

    public void Write(Span<byte> destination)
    {
        KeyCodec.Write(Key, destination);
        BinaryPrimitives.WriteInt64BigEndian(destination[16..], OffsetBytes);
        BinaryPrimitives.WriteInt64BigEndian(destination[24..], LengthBytes);
    }

    public static bool TryRead(ReadOnlySpan<byte> source, out RangeRequest range)
    {
        if (source.Length != Bytes)
        {
            range = default;
            return false;
        }

        range = new RangeRequest(
            KeyCodec.Read(source),
            BinaryPrimitives.ReadInt64BigEndian(source[16..]),
            BinaryPrimitives.ReadInt64BigEndian(source[24..]));
        return true;
    }
}
