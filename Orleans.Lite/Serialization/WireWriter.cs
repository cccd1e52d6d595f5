using System.Buffers;
using System.Numerics;

namespace Orleans.Serialization;

/// <summary>Writes the wire format into one pooled array. Not thread safe. One per thread is kept for reuse: rent,
/// write, hand the bytes on by copying, return.</summary>
internal sealed class WireWriter : IDisposable
{
    /// <summary>Deeper graphs are taken for cycles, which the format cannot express.</summary>
    public const int MaxDepth = 100;
    private const int KeptBytesMax = 256 * 1024;

    [ThreadStatic]
    private static WireWriter? _cached;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(1024);
    private int _depth;

    public int Length { get; private set; }
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Length);

    public static WireWriter Rent()
    {
        var writer = _cached ?? new WireWriter();
        _cached = null;
        return writer;
    }

    /// <summary>Gives it back: one per thread is kept.</summary>
    public void Dispose()
    {
        Clear();
        if (_buffer.Length > KeptBytesMax || _cached is not null)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
            return;
        }

        _cached = this;
    }

    public void Clear()
    {
        Length = 0;
        _depth = 0;
    }

    /// <summary>Takes back everything after <paramref name="length"/>, in the outermost blocks.</summary>
    public void Rewind(int length)
    {
        Length = length;
        _depth = 0;
    }

    public void Byte(byte value)
    {
        Ensure(1);
        _buffer[Length++] = value;
    }

    public void Tag(uint id, WireType type) => Varint(((ulong)id << 3) | (ulong)type);

    public void Varint(ulong value)
    {
        Ensure(10);
        var buffer = _buffer;
        var at = Length;
        while (value >= 0x80)
        {
            buffer[at++] = (byte)(value | 0x80);
            value >>= 7;
        }

        buffer[at++] = (byte)value;
        Length = at;
    }

    public void ZigZag(long value) => Varint((ulong)((value << 1) ^ (value >> 63)));
    public void Fixed32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Take(4), value);
    public void Fixed64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Take(8), value);
    public void Fixed128(UInt128 value) => BinaryPrimitives.WriteUInt128LittleEndian(Take(16), value);

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Varint((ulong)value.Length);
        value.CopyTo(Take(value.Length));
    }

    public void Raw(ReadOnlySpan<byte> value) => value.CopyTo(Take(value.Length));

    public void String(string value)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        Varint((ulong)length);
        Encoding.UTF8.GetBytes(value, Take(length));
    }

    /// <summary>Starts a block and returns where its length goes.</summary>
    public int BeginBlock()
    {
        if (++_depth > MaxDepth)
        {
            throw new SerializerException(
                $"The value is nested more than {MaxDepth} levels deep. Is there a cycle? Messages must be trees.");
        }

        Take(4);
        return Length;
    }

    public void EndBlock(int start)
    {
        _depth--;
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer.AsSpan(start - 4), (uint)(Length - start));
    }

    private Span<byte> Take(int count)
    {
        Ensure(count);
        var span = _buffer.AsSpan(Length, count);
        Length += count;
        return span;
    }

    private void Ensure(int count)
    {
        if (_buffer.Length - Length < count)
        {
            Grow(count);
        }
    }

    private void Grow(int count)
    {
        var wanted = BitOperations.RoundUpToPowerOf2((uint)checked(Length + count));
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(wanted, (uint)Array.MaxLength));
        Written.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
