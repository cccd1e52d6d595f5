namespace Orleans.Serialization;

/// <summary>The members of a type by class level, base first. Ids are per level, so each level ends with a mark.
/// Unknown ids are skipped; members that are missing keep what the constructor gave them.</summary>
internal sealed class MemberSet<TOwner>
{
    private readonly MemberCodec<TOwner>[][] _levels;

    public MemberSet(List<ShapeMember[]> shape, CodecProvider provider)
    {
        _levels = [.. shape.Select(
            level => level.Select(member => MemberCodec<TOwner>.Make(member, provider)).ToArray())];
        IsImmutable = _levels.All(level => level.All(member => member.IsImmutable));
    }

    public bool IsImmutable { get; }

    public void Write(WireWriter writer, ref TOwner owner)
    {
        foreach (var level in _levels)
        {
            foreach (var member in level)
            {
                member.Write(writer, ref owner);
            }

            writer.Tag(0, WireType.End);
        }
    }

    public void Read(WireReader reader, ref TOwner owner)
    {
        foreach (var level in _levels)
        {
            ReadLevel(reader, ref owner, level);
        }
    }

    public void Copy(ref TOwner owner)
    {
        foreach (var level in _levels)
        {
            foreach (var member in level)
            {
                member.Copy(ref owner);
            }
        }
    }

    private static void ReadLevel(WireReader reader, ref TOwner owner, MemberCodec<TOwner>[] level)
    {
        var expected = 0;
        while (!reader.AtEnd)
        {
            var (id, wire) = reader.Tag();
            if (wire == WireType.End)
            {
                return;
            }

            while (expected < level.Length && level[expected].Id < id)
            {
                expected++;
            }

            if (expected < level.Length && level[expected].Id == id)
            {
                level[expected++].Read(reader, ref owner, wire);
            }
            else
            {
                reader.Skip(wire);
            }
        }
    }
}

/// <summary>Makes instances: by the parameterless constructor where there is one, else without any.</summary>
internal static class Instances<T>
{
    private static readonly bool HasConstructor = typeof(T).GetConstructor(Type.EmptyTypes) is not null;

    public static T New() => HasConstructor
        ? Activator.CreateInstance<T>()
        : (T)RuntimeHelpers.GetUninitializedObject(typeof(T));
}
