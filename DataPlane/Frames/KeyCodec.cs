using System.Buffers.Binary;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Frames;

/// <summary>A <see cref="FileKey"/> on the wire.</summary>
internal static class KeyCodec
{
    public const int Bytes = 16;

    public static void Write(FileKey key, Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, key.High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], key.Low);
    }

    public static FileKey Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt64BigEndian(source), BinaryPrimitives.ReadUInt64BigEndian(source[8..]));
}
