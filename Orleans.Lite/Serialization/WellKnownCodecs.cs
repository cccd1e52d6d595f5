using System.Net;
using System.Runtime.InteropServices;
using Orleans.Runtime;

namespace Orleans.Serialization;

/// <summary>The types that need no attribute: numbers, text, time, bytes, addresses and identities.</summary>
internal static class WellKnownCodecs
{
    /// <summary>Codec and stable name by type.</summary>
    public static readonly IReadOnlyDictionary<Type, (string Name, Codec Codec)> All = Build();

    private static Dictionary<Type, (string, Codec)> Build()
    {
        var all = new Dictionary<Type, (string, Codec)>();
        void Add<T>(string name, WireType wire, Action<WireWriter, T> write, Func<WireReader, T> read) =>
            all.Add(typeof(T), (name, new ValueCodec<T>(wire, write, read)));

        AddNumbers(Add, Add, Add, Add, Add, Add, Add, Add);
        Add("bool", WireType.Varint, static (w, v) => w.Byte(v ? (byte)1 : (byte)0), static r => r.Varint() != 0);
        Add("char", WireType.Varint, static (w, v) => w.Varint(v), static r => checked((char)r.Varint()));
        Add("float", WireType.Fixed32, static (w, v) => w.Fixed32(BitConverter.SingleToUInt32Bits(v)),
            static r => BitConverter.UInt32BitsToSingle(r.Fixed32()));
        Add("double", WireType.Fixed64, static (w, v) => w.Fixed64(BitConverter.DoubleToUInt64Bits(v)),
            static r => BitConverter.UInt64BitsToDouble(r.Fixed64()));
        Add("uint128", WireType.Fixed128, static (w, v) => w.Fixed128(v), static r => r.Fixed128());
        Add("int128", WireType.Fixed128, static (w, v) => w.Fixed128((UInt128)v), static r => (Int128)r.Fixed128());
        Add("decimal", WireType.Fixed128, static (w, v) => WriteDecimal(w, v), static r => ReadDecimal(r));
        Add("guid", WireType.Fixed128, static (w, v) => w.Fixed128(Bits<Guid, UInt128>(v)),
            static r => Bits<UInt128, Guid>(r.Fixed128()));
        Add("string", WireType.Bytes, static (w, v) => w.String(v), static r => r.String());
        Add("timespan", WireType.Varint, static (w, v) => w.ZigZag(v.Ticks), static r => new TimeSpan(r.ZigZag()));
        Add("datetime", WireType.Fixed64, static (
            w, v) => w.Fixed64((ulong)v.ToBinary()), static r => DateTime.FromBinary((long)r.Fixed64()));
        Add("datetimeoffset", WireType.Fixed128,
            static (w, v) =>
                w.Fixed128(new UInt128((ulong)v.Offset.Ticks, (ulong)v.Ticks)), static r => ReadDateTimeOffset(r));
        all.Add(typeof(byte[]), ("bytes", new ByteArrayCodec()));
        all.Add(typeof(ReadOnlyMemory<byte>), ("romem", new ByteMemoryCodec()));
        AddIdentities(Add, Add, Add, Add, Add);
        return all;
    }

    private delegate void Adder<T>(string name, WireType wire, Action<WireWriter, T> write, Func<WireReader, T> read);

    private static void AddNumbers(
        Adder<sbyte> i8, Adder<byte> u8, Adder<short> i16, Adder<ushort> u16,
        Adder<int> i32, Adder<uint> u32, Adder<long> i64, Adder<ulong> u64)
    {
        i8("sbyte", WireType.Varint, static (w, v) => w.ZigZag(v), static r => checked((sbyte)r.ZigZag()));
        u8("byte", WireType.Varint, static (w, v) => w.Varint(v), static r => checked((byte)r.Varint()));
        i16("short", WireType.Varint, static (w, v) => w.ZigZag(v), static r => checked((short)r.ZigZag()));
        u16("ushort", WireType.Varint, static (w, v) => w.Varint(v), static r => checked((ushort)r.Varint()));
        i32("int", WireType.Varint, static (w, v) => w.ZigZag(v), static r => checked((int)r.ZigZag()));
        u32("uint", WireType.Varint, static (w, v) => w.Varint(v), static r => checked((uint)r.Varint()));
        i64("long", WireType.Varint, static (w, v) => w.ZigZag(v), static r => r.ZigZag());
        u64("ulong", WireType.Varint, static (w, v) => w.Varint(v), static r => r.Varint());
    }

    private static void AddIdentities(
        Adder<IPAddress> ip, Adder<IPEndPoint> endpoint, Adder<GrainType> type, Adder<GrainId> grain,
        Adder<SiloAddress> silo)
    {
        ip("ip", WireType.Bytes, static (w, v) => w.Bytes(v.GetAddressBytes()), static r => ReadAddress(r.Bytes()));
        endpoint("endpoint", WireType.Bytes, static (w, v) => w.String(v.ToString()),
            static r =>
                IPEndPoint.TryParse(r.String(), out var v) ? v : throw WireReader.Malformed("has a bad endpoint"));
        type("graintype", WireType.Bytes, static (w, v) => w.Bytes(v.Value.AsSpan()),
            static r => r.Bytes() is { IsEmpty: false } name ? new GrainType(new IdSpan(name.ToArray())) : default);
        grain("grainid", WireType.Bytes, static (w, v) => w.String(v.IsDefault ? string.Empty : v.ToString()),
            static r => r.String() is { Length: > 0 } text ? GrainId.Parse(text) : default);
        silo("silo", WireType.Bytes, static (w, v) => w.String(v.ToParsableString()),
            static r =>
                SiloAddress.TryParse(r.String(), out var v) ? v : throw WireReader.Malformed("has a bad silo address"));
    }

    private static TTo Bits<TFrom, TTo>(TFrom value)
        where TFrom : unmanaged
        where TTo : unmanaged => MemoryMarshal.Cast<TFrom, TTo>([value])[0];

    private static IPAddress ReadAddress(ReadOnlySpan<byte> bytes) => bytes.Length is 4 or 16
        ? new IPAddress(bytes)
        : throw WireReader.Malformed($"has an IP address of {bytes.Length} bytes");

    private static DateTimeOffset ReadDateTimeOffset(WireReader reader)
    {
        var bits = reader.Fixed128();
        return new DateTimeOffset((long)(ulong)bits, new TimeSpan((long)(ulong)(bits >> 64)));
    }

    private static void WriteDecimal(WireWriter writer, decimal value)
    {
        Span<int> parts = stackalloc int[4];
        decimal.GetBits(value, parts);
        writer.Fixed128(MemoryMarshal.Cast<int, UInt128>(parts)[0]);
    }

    private static decimal ReadDecimal(WireReader reader) =>
        new(MemoryMarshal.Cast<UInt128, int>([reader.Fixed128()]));

    private sealed class ByteArrayCodec : Codec<byte[]>
    {
        public override WireType Wire => WireType.Bytes;

        public override void Write(WireWriter writer, byte[] value) => writer.Bytes(value);

        public override byte[] Read(WireReader reader) => reader.Bytes().ToArray();

        public override byte[] Copy(byte[] value) => value.AsSpan().ToArray();
    }

    private sealed class ByteMemoryCodec : Codec<ReadOnlyMemory<byte>>
    {
        public override WireType Wire => WireType.Bytes;

        public override void Write(WireWriter writer, ReadOnlyMemory<byte> value) => writer.Bytes(value.Span);

        public override ReadOnlyMemory<byte> Read(WireReader reader) => reader.Bytes().ToArray();

        public override ReadOnlyMemory<byte> Copy(ReadOnlyMemory<byte> value) => value.ToArray();
    }
}
