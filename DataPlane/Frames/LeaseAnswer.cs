using System.Buffers.Binary;

namespace OrleansCache.DataPlane.Frames;

/// <summary>Fixed part of an Ok answer to a lease; the bitmap of resident blocks follows unless the file is complete.</summary>
internal readonly record struct LeaseAnswer(ulong Generation, long LengthBytes, int BlockSizeBytes, bool IsComplete)
{
    public const int FixedBytes = 24;

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, Generation);
        BinaryPrimitives.WriteInt64BigEndian(destination[8..], LengthBytes);
        BinaryPrimitives.WriteInt32BigEndian(destination[16..], BlockSizeBytes);
        BinaryPrimitives.WriteInt32BigEndian(destination[20..], IsComplete ? 1 : 0);
    }

    /// <summary>Reads the fixed part and checks that what follows is a bitmap of this file.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out LeaseAnswer answer)
    {
        answer = default;
        if (source.Length < FixedBytes)
        {
            return false;
        }

        answer = new LeaseAnswer(
            BinaryPrimitives.ReadUInt64BigEndian(source),
            BinaryPrimitives.ReadInt64BigEndian(source[8..]),
            BinaryPrimitives.ReadInt32BigEndian(source[16..]),
            BinaryPrimitives.ReadInt32BigEndian(source[20..]) == 1);
        return answer.LengthBytes >= 0
            && answer.BlockSizeBytes > 0
            && BinaryPrimitives.ReadUInt32BigEndian(source[20..]) <= 1
            && source.Length - FixedBytes == answer.BitmapBytes;
    }

    /// <summary>Length of the bitmap that belongs to this answer.</summary>
    public long BitmapBytes
    {
        get
        {
            // No sum that could overflow: the numbers are the peer's.
            var blocks = (LengthBytes / BlockSizeBytes) + (LengthBytes % BlockSizeBytes > 0 ? 1 : 0);
            return IsComplete ? 0 : (blocks / 8) + (blocks % 8 > 0 ? 1 : 0);
        }
    }
}
