using System.Buffers.Binary;

namespace OrleansCache.DataPlane.Frames;

/// <summary>Payload of an Ok answer to ensure.</summary>
internal readonly record struct EnsureAnswer(ulong Generation, long AvailableBytes)
{
    public const int Bytes = 16;

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, Generation);
        BinaryPrimitives.WriteInt64BigEndian(destination[8..], AvailableBytes);
    }

    public static bool TryRead(ReadOnlySpan<byte> source, out EnsureAnswer answer)
    {
        answer = source.Length == Bytes
            ? new EnsureAnswer(BinaryPrimitives.ReadUInt64BigEndian(source), BinaryPrimitives.ReadInt64BigEndian(source[8..]))
            : default;
        return source.Length == Bytes && answer.AvailableBytes > 0;
    }
}
