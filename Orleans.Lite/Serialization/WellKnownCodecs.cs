using System.Runtime.InteropServices;

namespace Orleans.Serialization;

/// <summary>The types that need no attribute: numbers, text, time, bytes and identities.</summary>
internal static class WellKnownCodecs
{
    /// <summary>Codec and stable name by type.</summary>
    public static readonly IReadOnlyDictionary<Type, (string Name, Codec Codec)> All = Build();

    private static Dictionary<Type, (string, Codec)> Build()
    {
        var all = new Dictionary<Type, (string, Codec)> { [typeof(byte[])] = ("bytes", new ByteArrayCodec()) };
        void Add<T>(string name, WireType wire, Action<WireWriter, T> write, Func<WireReader, T> read) =>
            all.Add(typeof(T), (name, new ValueCodec<T>(wire, write, read)));

        Add("bool", WireType.Varint, static (w, v) => w.Byte(v ? (byte)1 : (byte)0), static r => r.Varint() != 0);
        Add("byte", WireType.Varint, static (w, v) => w.Varint(v), static r => checked((byte)r.Varint()));
        Add("int", WireType.Varint, static (w, v) => w.ZigZag(v), static r => checked((int)r.ZigZag()));
        Add("uint", WireType.Varint, static (w, v) => w.Varint(v), static r => checked((uint)r.Varint()));
        Add("long", WireType.Varint, static (w, v) => w.ZigZag(v), static r => r.ZigZag());
        Add("ulong", WireType.Varint, static (w, v) => w.Varint(v), static r => r.Varint());
        Add("double", WireType.Fixed64, static (w, v) => w.Fixed64(BitConverter.DoubleToUInt64Bits(v)),
            static r => BitConverter.UInt64BitsToDouble(r.Fixed64()));
        Add("uint128", WireType.Fixed128, static (w, v) => w.Fixed128(v), static r => r.Fixed128());
        Add("guid", WireType.Fixed128, static (w, v) => w.Fixed128(Bits<Guid, UInt128>(v)),
            static r => Bits<UInt128, Guid>(r.Fixed128()));
        Add("string", WireType.Bytes, static (w, v) => w.String(v), static r => r.String());
        Add("timespan", WireType.Varint, static (w, v) => w.ZigZag(v.Ticks), static r => new TimeSpan(r.ZigZag()));
        Add<GrainId>("grainid", WireType.Bytes, static (w, v) => w.String(v.IsDefault ? string.Empty : v.ToString()),
            static r => r.String() is { Length: > 0 } text ? GrainId.Parse(text) : default);
        Add<SiloAddress>("silo", WireType.Bytes, static (w, v) => w.String(v.ToParsableString()),
            static r => SiloAddress.FromParsableString(r.String()));
        return all;
    }

    private static TTo Bits<TFrom, TTo>(TFrom value)
        where TFrom : unmanaged
        where TTo : unmanaged => MemoryMarshal.Cast<TFrom, TTo>([value])[0];

    private sealed class ByteArrayCodec : Codec<byte[]>
    {
        public override WireType Wire => WireType.Bytes;
        public override void Write(WireWriter writer, byte[] value) => writer.Bytes(value);
        public override byte[] Read(WireReader reader) => reader.Bytes().ToArray();
        public override byte[] Copy(byte[] value) => value.AsSpan().ToArray();
    }
}
