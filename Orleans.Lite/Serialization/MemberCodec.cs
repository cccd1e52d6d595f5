using System.Reflection.Emit;

namespace Orleans.Serialization;

/// <summary>Where a member is in its owner. Works for any visibility, init-only and read-only members too.</summary>
internal delegate ref TMember MemberPlace<TOwner, TMember>(ref TOwner owner);

/// <summary>One member of an owner. Owners go by reference, so that structs are filled in place.</summary>
internal abstract class MemberCodec<TOwner>(uint id)
{
    public uint Id { get; } = id;
    public abstract bool IsImmutable { get; }
    public abstract void Write(WireWriter writer, ref TOwner owner);
    public abstract void Read(WireReader reader, ref TOwner owner, WireType wire);
    /// <summary>Replaces what a shallow copy shares with its original.</summary>
    public abstract void Copy(ref TOwner owner);

    public static MemberCodec<TOwner> Make(ShapeMember member, CodecProvider provider) =>
        (MemberCodec<TOwner>)CodecProvider.Make(
            typeof(MemberCodec<,>), [typeof(TOwner), member.Field.FieldType], member, provider);
}

/// <inheritdoc/>
internal sealed class MemberCodec<TOwner, TMember>(ShapeMember member, CodecProvider provider)
    : MemberCodec<TOwner>(member.Id)
{
    private readonly Codec<TMember> _codec = provider.Get<TMember>();
    private readonly MemberPlace<TOwner, TMember> _place = PlaceOf(member.Field);

    public override bool IsImmutable => member.IsImmutable || _codec.IsImmutable;

    public override void Write(WireWriter writer, ref TOwner owner)
    {
        var value = _place(ref owner);
        if (value is null)
        {
            writer.Tag(Id, WireType.Null);
            return;
        }

        writer.Tag(Id, _codec.Wire);
        _codec.Write(writer, value);
    }

    public override void Read(WireReader reader, ref TOwner owner, WireType wire)
    {
        if (wire == _codec.Wire)
        {
            _place(ref owner) = _codec.Read(reader);
        }
        else if (wire == WireType.Null && default(TMember) is null)
        {
            _place(ref owner) = default!;
        }
        else
        {
            throw WireReader.Malformed(
                $"carries {typeof(TOwner).Name}.{member.Name} as {wire}, expected {_codec.Wire}");
        }
    }

    public override void Copy(ref TOwner owner)
    {
        if (!IsImmutable && _place(ref owner) is { } value)
        {
            _place(ref owner) = _codec.Copy(value);
        }
    }

    private static MemberPlace<TOwner, TMember> PlaceOf(FieldInfo field)
    {
        var method = new DynamicMethod("place_" + field.Name, typeof(TMember).MakeByRefType(),
            [typeof(TOwner).MakeByRefType()], typeof(MemberCodec<>).Module, skipVisibility: true);
        var il = method.GetILGenerator();
        il.Emit(OpCodes.Ldarg_0);
        if (!typeof(TOwner).IsValueType)
        {
            il.Emit(OpCodes.Ldind_Ref);
            if (!field.DeclaringType!.IsAssignableFrom(typeof(TOwner)))
            {
                il.Emit(OpCodes.Castclass, field.DeclaringType); // Arguments: the owner is declared as Invokable.
            }
        }

        il.Emit(OpCodes.Ldflda, field);
        il.Emit(OpCodes.Ret);
        return method.CreateDelegate<MemberPlace<TOwner, TMember>>();
    }
}
