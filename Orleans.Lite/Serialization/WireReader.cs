namespace Orleans.Serialization;

/// <summary>Reads the wire format from an array it does not own. Every length is checked against what is there before
/// anything is allocated, so hostile bytes cost at most a small multiple of their own size.</summary>
internal sealed class WireReader
{
    private byte[] _buffer = [];
    private int _at;
    private int _end;
    private int _depth;

    public bool AtEnd => _at >= _end;
    public int Remaining => _end - _at;

    public void Reset(byte[] buffer, int start, int length)
    {
        _buffer = buffer;
        _at = start;
        _end = start + length;
        _depth = 0;
    }

    public byte Byte() => _at < _end ? _buffer[_at++] : throw Malformed("ends inside a value");

    public (uint Id, WireType Type) Tag()
    {
        var tag = Varint();
        if (tag >> 3 > uint.MaxValue)
        {
            throw Malformed("has an id beyond 32 bits");
        }

        return ((uint)(tag >> 3), (WireType)(tag & 7));
    }

    public ulong Varint()
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var b = Byte();
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }

        throw Malformed("has a number of more than ten bytes");
    }

    public long ZigZag()
    {
        var value = Varint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    public uint Fixed32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
    public ulong Fixed64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
    public UInt128 Fixed128() => BinaryPrimitives.ReadUInt128LittleEndian(Take(16));

    public ReadOnlySpan<byte> Bytes()
    {
        var length = Varint();
        return length <= (
            ulong)Remaining ? Take((int)length) : throw Malformed($"claims {length} bytes, has {Remaining}");
    }

    public string String() => Encoding.UTF8.GetString(Bytes());

    /// <summary>How many elements follow; each takes a byte at least.</summary>
    public int Count()
    {
        var count = Varint();
        return count <= (
            ulong)Remaining ? (int)count : throw Malformed($"claims {count} elements in {Remaining} bytes");
    }

    /// <summary>Skips a block if it has nothing in it.</summary>
    public bool IsEmptyBlock()
    {
        var at = _at;
        var isEmpty = Fixed32() == 0;
        _at = isEmpty ? _at : at;
        return isEmpty;
    }

    /// <summary>Narrows the reader to a block; give the result to <see cref="EndBlock"/>.</summary>
    public int BeginBlock()
    {
        var length = Fixed32();
        if (length > (uint)Remaining)
        {
            throw Malformed($"claims a block of {length} bytes, has {Remaining}");
        }

        if (++_depth > WireWriter.MaxDepth)
        {
            throw Malformed($"is nested more than {WireWriter.MaxDepth} levels deep");
        }

        var outer = _end;
        _end = _at + (int)length;
        return outer;
    }

    /// <summary>Skips what is left of the block (a newer writer's additions) and widens the reader again.</summary>
    public void EndBlock(int outer)
    {
        _depth--;
        _at = _end;
        _end = outer;
    }

    public void Skip(WireType type)
    {
        switch (type)
        {
            case WireType.Varint: Varint(); break;
            case WireType.Fixed32: Take(4); break;
            case WireType.Fixed64: Take(8); break;
            case WireType.Fixed128: Take(16); break;
            case WireType.Bytes: Bytes(); break;
            case WireType.Block: EndBlock(BeginBlock()); break;
            case WireType.Null or WireType.End: break;
            default: throw Malformed($"has an unknown layout {type}");
        }
    }

    public static SerializerException Malformed(string what) => new($"The message {what}.");

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > Remaining)
        {
            throw Malformed($"ends inside a value of {count} bytes");
        }

        var span = _buffer.AsSpan(_at, count);
        _at += count;
        return span;
    }
}
