using System.Buffers.Binary;
using OrleansCache.Files;

namespace OrleansCache.DataPlane.Frames;

/// <summary>
/// The fixed header every frame starts with; all numbers are big-endian. Offsets: version 0, type 1, flags 2, status 3,
/// payload length 4, request id 8, ring epoch 16, deadline 24, hint 28, reserved 32 (eight zero bytes: room for what
/// later versions negotiate). No I/O here, and nothing throws on foreign bytes.
/// </summary>
/// <param name="Type">What the frame is about.</param>
/// <param name="Flags">Answer and its marks.</param>
/// <param name="Status">How the request ended, in answers.</param>
/// <param name="PayloadBytes">Bytes that follow.</param>
/// <param name="RequestId">The asker's number for the request.</param>
/// <param name="RingEpoch">The sender's ring epoch; 0 = knows none.</param>
/// <param name="DeadlineMs">Milliseconds the asker waits, counted from receipt; 0 = no deadline. In answers 0.</param>
/// <param name="Hint">In answers: reserved for load and replica hints; 0 = none.</param>
public readonly record struct FrameHeader(
    FrameType Type,
    FrameFlags Flags,
    ReadStatus Status,
    int PayloadBytes,
    ulong RequestId,
    ulong RingEpoch = 0,
    uint DeadlineMs = 0,
    uint Hint = 0)
{
    /// <summary>Size of the header.</summary>
    public const int Bytes = 40;

    /// <summary>Version of the header, its first byte.</summary>
    public const byte Version = 1;

    private const FrameFlags KnownFlags =
        FrameFlags.Answer | FrameFlags.More | FrameFlags.Resident | FrameFlags.Descriptor;

    /// <summary>Whether this is an answer.</summary>
    public bool IsAnswer => (Flags & FrameFlags.Answer) != 0;

    /// <summary>Whether more answers to the same request follow.</summary>
    public bool HasMore => (Flags & FrameFlags.More) != 0;

    /// <summary>Writes the header.</summary>
    /// <param name="destination">At least <see cref="Bytes"/> long.</param>
    public void Write(Span<byte> destination)
    {
        destination = destination[..Bytes];
        destination[0] = Version;
        destination[1] = (byte)Type;
        destination[2] = (byte)Flags;
        destination[3] = (byte)Status;
        BinaryPrimitives.WriteInt32BigEndian(destination[4..], PayloadBytes);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], RequestId);
        BinaryPrimitives.WriteUInt64BigEndian(destination[16..], RingEpoch);
        BinaryPrimitives.WriteUInt32BigEndian(destination[24..], DeadlineMs);
        BinaryPrimitives.WriteUInt32BigEndian(destination[28..], Hint);
        BinaryPrimitives.WriteUInt64BigEndian(destination[32..], 0);
    }

    /// <summary>Reads and checks a header.</summary>
    /// <param name="source">At least <see cref="Bytes"/> long.</param>
    /// <param name="header">The header, when there is no error.</param>
    /// <returns>What is wrong with it.</returns>
    public static FrameError Read(ReadOnlySpan<byte> source, out FrameHeader header)
    {
        source = source[..Bytes];
        header = new FrameHeader(
            (FrameType)source[1],
            (FrameFlags)source[2],
            (ReadStatus)source[3],
            BinaryPrimitives.ReadInt32BigEndian(source[4..]),
            BinaryPrimitives.ReadUInt64BigEndian(source[8..]),
            BinaryPrimitives.ReadUInt64BigEndian(source[16..]),
            BinaryPrimitives.ReadUInt32BigEndian(source[24..]),
            BinaryPrimitives.ReadUInt32BigEndian(source[28..]));
        if (source[0] != Version)
        {
            return FrameError.Version;
        }

        if ((header.Flags & ~KnownFlags) != 0
            || (!header.IsAnswer && header.Flags != FrameFlags.None)
            || BinaryPrimitives.ReadUInt64BigEndian(source[32..]) != 0)
        {
            return FrameError.Flags;
        }

        if (header.Status > ReadStatus.NotSupported || (!header.IsAnswer && header.Status != ReadStatus.Ok))
        {
            return FrameError.Status;
        }

        var limit = FrameLimits.MaxPayloadBytes(header.Type, header.IsAnswer);
        return limit < 0 ? FrameError.UnknownType
            : (uint)header.PayloadBytes > (uint)limit ? FrameError.PayloadTooLong
            : FrameError.None;
    }
}
