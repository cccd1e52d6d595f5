namespace Orleans.Serialization;

/// <summary>Writes the members of exactly one class, without a name: whoever calls wrote that.</summary>
internal interface IBodyCodec
{
    void WriteBody(WireWriter writer, object value);
    object ReadBody(WireReader reader);
    object CopyBody(object value);
}

/// <summary>A struct: its members in a block.</summary>
internal sealed class StructCodec<T>(List<ShapeMember[]> shape, CodecProvider provider, bool immutable)
    : Codec<T>, IBuiltLater
    where T : struct
{
    private MemberSet<T>? _members;

    public override WireType Wire => WireType.Block;
    public override bool IsImmutable => immutable || (_members?.IsImmutable ?? false);
    public void Build() => _members = new MemberSet<T>(shape, provider);

    public override void Write(WireWriter writer, T value)
    {
        var start = writer.BeginBlock();
        _members!.Write(writer, ref value);
        writer.EndBlock(start);
    }

    public override T Read(WireReader reader)
    {
        var outer = reader.BeginBlock();
        var value = default(T);
        _members!.Read(reader, ref value);
        reader.EndBlock(outer);
        return value;
    }

    public override T Copy(T value)
    {
        if (!IsImmutable)
        {
            _members!.Copy(ref value);
        }

        return value;
    }
}

/// <summary>Codecs of types that may refer to themselves find their members after they are known.</summary>
internal interface IBuiltLater
{
    void Build();
}

/// <summary>A class, an abstract class, an interface or object: a block with the name of the run-time type (nothing if
/// it is the declared one), then that type's members.</summary>
internal sealed class ObjectCodec<T>(List<ShapeMember[]>? shape, CodecProvider provider, bool immutable)
    : Codec<T>, IBodyCodec, IBuiltLater
    where T : class
{
    private MemberSet<T>? _members;

    public override WireType Wire => WireType.Block;
    public override bool IsImmutable => immutable;
    public void Build() => _members = shape is null ? null : new MemberSet<T>(shape, provider);

    public override void Write(WireWriter writer, T value)
    {
        var start = writer.BeginBlock();
        if (value.GetType() == typeof(T) && _members is not null)
        {
            writer.Byte(0);
            _members.Write(writer, ref value);
        }
        else
        {
            WriteNamed(writer, value);
        }

        writer.EndBlock(start);
    }

    public override T Read(WireReader reader)
    {
        var outer = reader.BeginBlock();
        var name = reader.String();
        var value = name.Length == 0 ? (T)ReadBody(reader) : ReadNamed(reader, name);
        reader.EndBlock(outer);
        return value;
    }

    public override T Copy(T value)
    {
        if (immutable)
        {
            return value;
        }

        if (value.GetType() == typeof(T))
        {
            return (T)CopyBody(value);
        }

        var codec = provider.Get(value.GetType());
        return (
            T)(codec is IBodyCodec body ? codec.IsImmutable ? value : body.CopyBody(value) : codec.CopyObject(value)!);
    }

    public void WriteBody(WireWriter writer, object value)
    {
        var typed = (T)value;
        _members!.Write(writer, ref typed);
    }

    public object ReadBody(WireReader reader)
    {
        if (_members is null)
        {
            throw WireReader.Malformed($"does not say which kind of {typeof(T)} it carries");
        }

        var value = Instances<T>.New();
        _members.Read(reader, ref value);
        return value;
    }

    public object CopyBody(object value)
    {
        if (_members is null)
        {
            return value; // A bare object: it has no state.
        }

        RuntimeHelpers.EnsureSufficientExecutionStack(); // A cycle ends in an exception, not in a crash.
        var copy = Shallow.Clone((T)value);
        _members.Copy(ref copy);
        return copy;
    }

    private void WriteNamed(WireWriter writer, T value)
    {
        var type = value.GetType();
        var codec = provider.Get(type);
        writer.String(provider.Names.NameOf(type));
        if (codec is IBodyCodec body)
        {
            body.WriteBody(writer, value);
        }
        else
        {
            writer.Tag(0, codec.Wire);
            codec.WriteObject(writer, value);
        }
    }

    private T ReadNamed(WireReader reader, string name)
    {
        if (!provider.Names.TryGetType(name, out var type) || !typeof(T).IsAssignableFrom(type))
        {
            throw new CodecNotFoundException($"The message carries a '{name}' where a {typeof(T)} is expected; "
                + "no [GenerateSerializer] type of that name is known here.");
        }

        var codec = provider.Get(type);
        if (codec is IBodyCodec body)
        {
            return (T)body.ReadBody(reader);
        }

        var (_, wire) = reader.Tag();
        return wire == codec.Wire
            ? (T)codec.ReadObject(reader)!
            : throw WireReader.Malformed($"carries a '{name}' as {wire}, expected {codec.Wire}");
    }
}

internal static class Shallow
{
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "MemberwiseClone")]
    private static extern object MemberwiseClone(object value);

    public static T Clone<T>(T value)
        where T : class => (T)MemberwiseClone(value);
}
