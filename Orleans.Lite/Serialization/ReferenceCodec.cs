namespace Orleans.Serialization;

/// <summary>A grain reference travels as the grain's identity and becomes a reference of the declared
/// interface.</summary>
internal sealed class ReferenceCodec<T>(Func<Type, GrainId, object> makeReference) : Codec<T>
    where T : class, IAddressable
{
    public override WireType Wire => WireType.Bytes;
    public override bool IsImmutable => false;
    public override void Write(WireWriter writer, T value) => writer.String(IdOf(value).ToString());

    public override T Read(WireReader reader) => GrainId.TryParse(reader.String(), out var id)
        ? (T)makeReference(typeof(T), id)
        : throw WireReader.Malformed("has a bad grain identity");

    public override T Copy(T value)
    {
        IdOf(value);
        return value;
    }

    private static GrainId IdOf(T value) => value is GrainReference reference
        ? reference.GrainId
        : throw new SerializerException($"{value.GetType()} is not a reference. To pass a grain itself, pass "
            + $"this.AsReference<{typeof(T).Name}>().");
}
