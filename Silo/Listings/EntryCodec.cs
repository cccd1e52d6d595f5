using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using OrleansCache.Files;
using OrleansCache.UnderStorage;

namespace OrleansCache.Silo.Listings;

/// <summary>Attributes of an entry as stored: numbers of seven bits a byte, and a checksum that knows the entry's place.</summary>
internal static class EntryCodec
{
    private const int ChecksumBytes = 4;
    private const int MaxVarintBytes = 10;
    private const int MaxNumbers = 9;
    private const int IdBytes = 16;

    /// <summary>A position, name or token as stored.</summary>
    public static byte[] ToBytes(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>The bytes to store.</summary>
    public static byte[] Encode(ReadOnlySpan<byte> position, in FileMetadata metadata)
    {
        var etag = metadata.Version.ETag;
        var room = 1 + IdBytes + (MaxNumbers * MaxVarintBytes) + MaxVarintBytes + (3 * (etag?.Length ?? 0)) + ChecksumBytes;
        var rented = ArrayPool<byte>.Shared.Rent(room);
        try
        {
            var to = new Writer(rented);
            to.Byte((byte)metadata.Kind);
            to.Fixed(metadata.Id.High);
            to.Fixed(metadata.Id.Low);
            to.Number((ulong)metadata.Version.LengthBytes);
            to.Number((ulong)metadata.Version.ModifiedNs);
            to.Number((ulong)metadata.Version.ChangedNs);
            to.Number((ulong)metadata.AccessedNs);
            to.Number(metadata.Mode);
            to.Number(metadata.Uid);
            to.Number(metadata.Gid);
            to.Number(metadata.Links);
            to.Number(metadata.DeviceNumber);
            to.Text(etag);
            to.Checksum(position);
            return to.Written.ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>The entry stored at a position.</summary>
    /// <exception cref="InvalidDataException">The bytes are not what was written there.</exception>
    public static UnderStorageEntry Decode(ReadOnlySpan<byte> position, string? name, ReadOnlySpan<byte> stored)
    {
        if (stored.Length < 1 + IdBytes + ChecksumBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(stored[^ChecksumBytes..]) != Sum(position, stored[..^ChecksumBytes]))
        {
            throw new InvalidDataException("the checksum of an entry is wrong");
        }

        var from = new Reader(stored[..^ChecksumBytes]);
        var kind = (FileKind)from.Byte();
        var id = new FileId(from.Fixed(), from.Fixed());
        var (length, modified, changed, accessed) = (from.Number(), from.Number(), from.Number(), from.Number());
        var metadata = new FileMetadata
        {
            Id = id,
            Kind = kind,
            AccessedNs = (long)accessed,
            Mode = (uint)from.Number(),
            Uid = (uint)from.Number(),
            Gid = (uint)from.Number(),
            Links = (uint)from.Number(),
            DeviceNumber = from.Number(),
            Version = new FileVersion((long)length, (long)modified, (long)changed, from.Text()),
        };
        var text = Encoding.UTF8.GetString(position);
        return name is not null
            ? new UnderStorageEntry(name, metadata, text)
            : new UnderStorageEntry(kind == FileKind.Directory ? text[..^1] : text, metadata);
    }

    private static uint Sum(ReadOnlySpan<byte> position, ReadOnlySpan<byte> body)
    {
        var sum = Sum(uint.MaxValue, position);
        return ~Sum(BitOperations.Crc32C(sum, (uint)position.Length), body);
    }

    private static uint Sum(uint sum, ReadOnlySpan<byte> bytes)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
        {
            sum = BitOperations.Crc32C(sum, word);
        }

        foreach (var rest in bytes[(words.Length * sizeof(ulong))..])
        {
            sum = BitOperations.Crc32C(sum, rest);
        }

        return sum;
    }

    private ref struct Writer(Span<byte> room)
    {
        private readonly Span<byte> _room = room;
        private int _length;

        public readonly ReadOnlySpan<byte> Written => _room[.._length];

        public void Byte(byte value) => _room[_length++] = value;

        public void Fixed(ulong value)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(_room[_length..], value);
            _length += sizeof(ulong);
        }

        public void Number(ulong value)
        {
            for (; value >= 0x80; value >>= 7)
            {
                Byte((byte)(value | 0x80));
            }

            Byte((byte)value);
        }

        public void Text(string? text)
        {
            Number(text is null ? 0 : (ulong)Encoding.UTF8.GetByteCount(text) + 1);
            _length += text is null ? 0 : Encoding.UTF8.GetBytes(text, _room[_length..]);
        }

        public void Checksum(ReadOnlySpan<byte> position)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(_room[_length..], Sum(position, Written));
            _length += ChecksumBytes;
        }
    }

    private ref struct Reader(ReadOnlySpan<byte> stored)
    {
        private ReadOnlySpan<byte> _left = stored;

        public byte Byte()
        {
            var value = _left[0];
            _left = _left[1..];
            return value;
        }

        public ulong Fixed()
        {
            var value = BinaryPrimitives.ReadUInt64LittleEndian(_left);
            _left = _left[sizeof(ulong)..];
            return value;
        }

        public ulong Number()
        {
            ulong value = 0;
            for (var shift = 0; ; shift += 7)
            {
                var part = Byte();
                value |= (ulong)(part & 0x7F) << shift;
                if (part < 0x80)
                {
                    return value;
                }
            }
        }

        public string? Text()
        {
            var length = Number();
            if (length == 0)
            {
                return null;
            }

            var text = Encoding.UTF8.GetString(_left[..(int)(length - 1)]);
            _left = _left[(int)(length - 1)..];
            return text;
        }
    }
}
