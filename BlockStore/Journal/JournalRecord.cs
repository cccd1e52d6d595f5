using System.Buffers.Binary;
using System.Runtime.InteropServices;
using OrleansCache.Files;

namespace OrleansCache.BlockStore.Journal;

/// <summary>What a journal record says.</summary>
internal enum RecordKind : byte
{
    /// <summary>A block's bytes are written; these are its checksums.</summary>
    Valid = 1,

    /// <summary>Some blocks of a file are no longer ours; their bytes may go.</summary>
    BlocksGone = 2,

    /// <summary>A whole file is no longer ours.</summary>
    FileGone = 3,

    /// <summary>Everything recorded before an address, in this boot, is on the device.</summary>
    Barrier = 4,

    /// <summary>A packed object's bytes are written, at this place of this segment; also when it has moved there. Since format 2.</summary>
    PackedValid = 5,

    /// <summary>A packed object is no longer ours, wherever it was. Since format 2.</summary>
    PackedGone = 6,
}

/// <summary>
/// The journal's records: checksum (4), kind (1), pad (3), boot tag (8), file key (16), then by kind. Little endian.
/// Every record carries the tag of the boot it was written in.
/// </summary>
internal static class JournalRecord
{
    private const int HeaderBytes = 32, PackedBytes = 28;

    /// <summary>The longest record: a 64 MiB block with a checksum per 64 KiB.</summary>
    public const int MaxBytes = HeaderBytes + 24 + (BlockLayout.MaxBlockSizeBytes / Crc32C.ChunkBytes * 4);

    /// <summary>How many blocks one record can call gone.</summary>
    public const int GoneBlocksMax = 512;

    public static int WriteValid(Span<byte> to, ulong bootTag, in FileShape shape, int blockIndex, ReadOnlySpan<uint> crcs)
    {
        var body = to[HeaderBytes..];
        BinaryPrimitives.WriteUInt64LittleEndian(body, shape.Source.Value);
        BinaryPrimitives.WriteInt64LittleEndian(body[8..], shape.LengthBytes);
        BinaryPrimitives.WriteInt32LittleEndian(body[16..], shape.Layout.BlockSizeBytes);
        BinaryPrimitives.WriteInt32LittleEndian(body[20..], blockIndex);
        MemoryMarshal.AsBytes(crcs).CopyTo(body[24..]);
        return Seal(to, RecordKind.Valid, bootTag, shape.Key, 24 + (crcs.Length * 4));
    }

    public static int WriteBlocksGone(Span<byte> to, ulong bootTag, FileKey file, ReadOnlySpan<int> blocks)
    {
        MemoryMarshal.AsBytes(blocks).CopyTo(to[HeaderBytes..]);
        return Seal(to, RecordKind.BlocksGone, bootTag, file, blocks.Length * 4);
    }

    public static int WriteFileGone(Span<byte> to, ulong bootTag, FileKey file) =>
        Seal(to, RecordKind.FileGone, bootTag, file, 0);

    /// <summary>The longest record of a packed object.</summary>
    public const int PackedMaxBytes = HeaderBytes + PackedBytes;

    public static int WritePackedValid(
        Span<byte> to, ulong bootTag, in FileShape shape, uint segment, long offsetBytes, uint checksum)
    {
        var body = to[HeaderBytes..];
        BinaryPrimitives.WriteUInt64LittleEndian(body, shape.Source.Value);
        BinaryPrimitives.WriteInt32LittleEndian(body[8..], checked((int)shape.LengthBytes));
        BinaryPrimitives.WriteInt32LittleEndian(body[12..], shape.Layout.BlockSizeBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(body[16..], segment);
        BinaryPrimitives.WriteUInt32LittleEndian(body[20..], checked((uint)offsetBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(body[24..], checksum);
        return Seal(to, RecordKind.PackedValid, bootTag, shape.Key, PackedBytes);
    }

    public static int WritePackedGone(Span<byte> to, ulong bootTag, FileKey file) =>
        Seal(to, RecordKind.PackedGone, bootTag, file, 0);

    public static int WriteBarrier(Span<byte> to, ulong bootTag, long coveredBefore)
    {
        BinaryPrimitives.WriteInt64LittleEndian(to[HeaderBytes..], coveredBefore);
        return Seal(to, RecordKind.Barrier, bootTag, default, 8);
    }

    /// <summary>Reads a record; false if it is not one of ours whole.</summary>
    public static bool TryRead(ReadOnlySpan<byte> record, out Parsed parsed)
    {
        parsed = default;
        if (record.Length < HeaderBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(record) != Crc32C.Compute(record[4..]))
        {
            return false;
        }

        parsed = new Parsed(
            (RecordKind)record[4],
            BinaryPrimitives.ReadUInt64LittleEndian(record[8..]),
            new FileKey(BinaryPrimitives.ReadUInt64LittleEndian(record[16..]), BinaryPrimitives.ReadUInt64LittleEndian(record[24..])),
            record[HeaderBytes..]);
        return parsed.Kind switch
        {
            RecordKind.Valid => parsed.Body.Length > 24,
            RecordKind.Barrier => parsed.Body.Length == 8,
            RecordKind.PackedValid => parsed.Body.Length == PackedBytes,
            _ => true,
        };
    }

    private static int Seal(Span<byte> to, RecordKind kind, ulong bootTag, FileKey file, int bodyBytes)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to[4..], (byte)kind);
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], bootTag);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], file.High);
        BinaryPrimitives.WriteUInt64LittleEndian(to[24..], file.Low);
        var length = HeaderBytes + bodyBytes;
        BinaryPrimitives.WriteUInt32LittleEndian(to, Crc32C.Compute(to[4..length]));
        return length;
    }

    /// <summary>A record that was read.</summary>
    public readonly ref struct Parsed(RecordKind kind, ulong bootTag, FileKey file, ReadOnlySpan<byte> body)
    {
        public readonly ReadOnlySpan<byte> Body = body;

        public RecordKind Kind { get; } = kind;

        public ulong BootTag { get; } = bootTag;

        public FileKey File { get; } = file;

        public long CoveredBefore => BinaryPrimitives.ReadInt64LittleEndian(Body);

        public FileShape Shape => new(
            File,
            BinaryPrimitives.ReadInt64LittleEndian(Body[8..]),
            new BlockLayout(BinaryPrimitives.ReadInt32LittleEndian(Body[16..])),
            new SourceId(BinaryPrimitives.ReadUInt64LittleEndian(Body)));

        public int BlockIndex => BinaryPrimitives.ReadInt32LittleEndian(Body[20..]);

        public ReadOnlySpan<uint> Crcs => MemoryMarshal.Cast<byte, uint>(Body[24..]);

        public FileShape PackedShape => new(
            File,
            BinaryPrimitives.ReadInt32LittleEndian(Body[8..]),
            new BlockLayout(BinaryPrimitives.ReadInt32LittleEndian(Body[12..])),
            new SourceId(BinaryPrimitives.ReadUInt64LittleEndian(Body)));

        public uint PackedSegment => BinaryPrimitives.ReadUInt32LittleEndian(Body[16..]);

        public long PackedOffsetBytes => BinaryPrimitives.ReadUInt32LittleEndian(Body[20..]);

        public uint PackedChecksum => BinaryPrimitives.ReadUInt32LittleEndian(Body[24..]);

        public ReadOnlySpan<int> GoneBlocks => MemoryMarshal.Cast<byte, int>(Body);
    }
}
