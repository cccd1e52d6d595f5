namespace Orleans.Serialization;

/// <summary>One numbered member: a field, or the field behind a property.</summary>
internal sealed record ShapeMember(uint Id, string Name, FieldInfo Field, bool IsImmutable);

/// <summary>The numbered members of a type, base class first, found by reflection. Refuses what Orleans' analyzers
/// refuse: members without a number, numbers used twice, hidden state in a base class that is not
/// serializable.</summary>
internal static class TypeShape
{
    private const BindingFlags Declared =
        BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    public static List<ShapeMember[]> Of(Type type)
    {
        var levels = new List<ShapeMember[]>();
        for (var level = type; level != typeof(object) && level != typeof(ValueType) && level != typeof(Exception);
            level = level.BaseType!)
        {
            if (level.IsDefined(typeof(GenerateSerializerAttribute), false))
            {
                levels.Insert(0, MembersOf(level));
            }
            else if (!typeof(Exception).IsAssignableFrom(level) && level.GetFields(Declared).Length > 0)
            {
                throw new OrleansConfigurationException(
                    $"{type} derives from {level}, which holds state but has no [GenerateSerializer].");
            }
        }

        return levels;
    }

    private static ShapeMember[] MembersOf(Type type)
    {
        var members = type.GetFields(Declared).Where(field => !field.IsDefined(typeof(NonSerializedAttribute), false))
            .Select(field => Member(type, field)).OrderBy(member => member.Id).ToArray();
        foreach (var twice in members.GroupBy(member => member.Id).Where(group => group.Count() > 1))
        {
            throw new OrleansConfigurationException(
                $"{type} uses [Id({twice.Key})] for {string.Join(" and ", twice.Select(member => member.Name))}.");
        }

        var computed = type.GetProperties(Declared).FirstOrDefault(property =>
            property.IsDefined(typeof(IdAttribute)) && !members.Any(member => member.Name == property.Name));
        return computed is null
            ? members
            : throw new OrleansConfigurationException($"{type}.{computed.Name} has an [Id] but no field of its own.");
    }

    private static ShapeMember Member(Type type, FieldInfo field)
    {
        var isBacking = field.Name.StartsWith('<') && field.Name.EndsWith(">k__BackingField", StringComparison.Ordinal);
        MemberInfo named = isBacking ? type.GetProperty(field.Name[1..field.Name.IndexOf('>')], Declared)! : field;
        var id = named.GetCustomAttribute<IdAttribute>() ?? throw new OrleansConfigurationException(
            $"{type}.{named.Name} has neither [Id] nor [NonSerialized], and {type.Name} is [GenerateSerializer].");
        return new ShapeMember(id.Id, named.Name, field, named.IsDefined(typeof(ImmutableAttribute), false));
    }
}
