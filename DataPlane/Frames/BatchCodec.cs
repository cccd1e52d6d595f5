using System.Buffers.Binary;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Frames;

/// <summary>
/// The ranges of a batch on the wire, back to back: key 16, offset 8, length 4, bytes of the capability 2, zero 2, capability.
/// No capability = the server was presented it before.
/// </summary>
internal static class BatchCodec
{
    /// <summary>A range without its capability.</summary>
    public const int FixedBytes = KeyCodec.Bytes + 16;

    public static int BytesOf(ReadCapability? capability) => FixedBytes + (capability?.EncodedBytes ?? 0);

    /// <summary>Writes a range.</summary>
    /// <returns>Bytes written.</returns>
    public static int Write(in RangeRequest range, ReadCapability? capability, Span<byte> destination)
    {
        var capabilityBytes = capability?.Encode(destination[FixedBytes..]) ?? 0;
        KeyCodec.Write(range.Key, destination);
        BinaryPrimitives.WriteInt64BigEndian(destination[16..], range.OffsetBytes);
        BinaryPrimitives.WriteInt32BigEndian(destination[24..], checked((int)range.LengthBytes));
        BinaryPrimitives.WriteUInt16BigEndian(destination[28..], checked((ushort)capabilityBytes));
        BinaryPrimitives.WriteUInt16BigEndian(destination[30..], 0);
        return FixedBytes + capabilityBytes;
    }

    /// <summary>Takes the first range off a payload; false when there is none that we would have written.</summary>
    public static bool TryTake(ref ReadOnlySpan<byte> source, out RangeRequest range, out ReadOnlySpan<byte> capability)
    {
        range = default;
        capability = default;
        if (source.Length < FixedBytes)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadInt32BigEndian(source[24..]);
        var capabilityBytes = BinaryPrimitives.ReadUInt16BigEndian(source[28..]);
        if (length is <= 0 or > FrameLimits.MaxBatchBytes
            || capabilityBytes > ReadCapability.MaxEncodedBytes
            || capabilityBytes > source.Length - FixedBytes
            || BinaryPrimitives.ReadUInt16BigEndian(source[30..]) != 0)
        {
            return false;
        }

        range = new RangeRequest(KeyCodec.Read(source), BinaryPrimitives.ReadInt64BigEndian(source[16..]), length);
        capability = source.Slice(FixedBytes, capabilityBytes);
        source = source[(FixedBytes + capabilityBytes)..];
        return true;
    }
}
