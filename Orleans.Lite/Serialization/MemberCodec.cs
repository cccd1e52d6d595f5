using System.Reflection;
using System.Reflection.Emit;

namespace Orleans.Serialization;

internal delegate TMember MemberGetter<TOwner, out TMember>(ref TOwner owner);

internal delegate void MemberSetter<TOwner, in TMember>(ref TOwner owner, TMember value);

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
            typeof(MemberCodec<,>), [typeof(TOwner), member.Type], member, provider);
}

/// <inheritdoc/>
internal sealed class MemberCodec<TOwner, TMember> : MemberCodec<TOwner>
{
    private readonly ShapeMember _member;
    private readonly Codec<TMember> _codec;
    private readonly MemberGetter<TOwner, TMember> _get;
    private readonly MemberSetter<TOwner, TMember> _set;

    public MemberCodec(ShapeMember member, CodecProvider provider)
        : base(member.Id)
    {
        _member = member;
        _codec = provider.Get<TMember>();
        _get = MemberAccess.Getter<TOwner, TMember>(member);
        _set = MemberAccess.Setter<TOwner, TMember>(member);
    }

    public override bool IsImmutable => _member.IsImmutable || _codec.IsImmutable;

    public override void Write(WireWriter writer, ref TOwner owner)
    {
        var value = _get(ref owner);
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
            _set(ref owner, _codec.Read(reader));
        }
        else if (wire == WireType.Null && default(TMember) is null)
        {
            _set(ref owner, default!);
        }
        else
        {
            throw WireReader.Malformed(
                $"carries {typeof(TOwner).Name}.{_member.Name} as {wire}, expected {_codec.Wire} for "
                + $"{typeof(TMember)}");
        }
    }

    public override void Copy(ref TOwner owner)
    {
        if (!IsImmutable && _get(ref owner) is { } value)
        {
            _set(ref owner, _codec.Copy(value));
        }
    }
}

/// <summary>Typed access to members of any visibility, init-only and read-only ones too.</summary>
internal static class MemberAccess
{
    public static MemberGetter<TOwner, TMember> Getter<TOwner, TMember>(ShapeMember member)
    {
        var method = new DynamicMethod(
            "get_" + member.Name, typeof(TMember), [typeof(TOwner).MakeByRefType()], typeof(MemberAccess), true);
        var il = method.GetILGenerator();
        LoadOwner<TOwner>(il, member);
        if (member.Field is { } field)
        {
            il.Emit(OpCodes.Ldfld, field);
        }
        else
        {
            il.Emit(typeof(TOwner).IsValueType ? OpCodes.Call : OpCodes.Callvirt, member.Property!.GetMethod!);
        }

        il.Emit(OpCodes.Ret);
        return method.CreateDelegate<MemberGetter<TOwner, TMember>>();
    }

    public static MemberSetter<TOwner, TMember> Setter<TOwner, TMember>(ShapeMember member)
    {
        var method = new DynamicMethod(
            "set_" + member.Name, typeof(
                void), [typeof(TOwner).MakeByRefType(), typeof(TMember)], typeof(MemberAccess), true);
        var il = method.GetILGenerator();
        LoadOwner<TOwner>(il, member);
        il.Emit(OpCodes.Ldarg_1);
        if (member.Field is { } field)
        {
            il.Emit(OpCodes.Stfld, field);
        }
        else
        {
            il.Emit(typeof(TOwner).IsValueType ? OpCodes.Call : OpCodes.Callvirt, member.Property!.SetMethod!);
        }

        il.Emit(OpCodes.Ret);
        return method.CreateDelegate<MemberSetter<TOwner, TMember>>();
    }

    private static void LoadOwner<TOwner>(ILGenerator il, ShapeMember member)
    {
        il.Emit(OpCodes.Ldarg_0);
        if (typeof(TOwner).IsValueType)
        {
            return;
        }

        il.Emit(OpCodes.Ldind_Ref);
        var declaring = ((MemberInfo?)member.Field ?? member.Property!).DeclaringType!;
        if (!declaring.IsAssignableFrom(typeof(TOwner)))
        {
            // Arguments of an invokable: the owner is declared as the base class.
            il.Emit(OpCodes.Castclass, declaring);
        }
    }
}
