using System.Reflection;
using Orleans.Runtime;

namespace Orleans.Serialization;

/// <summary>One numbered member: a field, or a property without a field of its own.</summary>
internal sealed record ShapeMember(
    uint Id, string Name, Type Type, FieldInfo? Field, PropertyInfo? Property, bool IsImmutable);

/// <summary>
/// The numbered members of a type, base class first, found by reflection. Refuses what Orleans' analyzers refuse:
/// members without a number, numbers used twice, hidden state in a base class that is not serializable.
/// </summary>
internal sealed record TypeShape(Type Type, IReadOnlyList<ShapeMember[]> Levels)
{
    private const BindingFlags Declared =
        BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    public static TypeShape Of(Type type)
    {
        var levels = new List<ShapeMember[]>();
        for (var level = type; level is not null && !IsRoot(level); level = level.BaseType)
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

        return new TypeShape(type, levels);
    }

    /// <summary>Tuples and pairs: their fields in order, no attributes needed.</summary>
    public static TypeShape OfPlainFields(Type type) => new(type,
    [
        [.. type.GetFields(Declared).Select((field, i) =>
            new ShapeMember((uint)i, field.Name, field.FieldType, field, null, false))],
    ]);

    private static bool IsRoot(Type type) =>
        type == typeof(object) || type == typeof(ValueType) || type == typeof(Exception);

    private static ShapeMember[] MembersOf(Type type)
    {
        var members = new List<ShapeMember>();
        var withField = new HashSet<string>();
        foreach (var field in type.GetFields(Declared))
        {
            if (Member(type, field) is { } member)
            {
                members.Add(member);
            }

            if (PropertyOf(type, field) is { } property)
            {
                withField.Add(property.Name);
            }
        }

        foreach (var property in type.GetProperties(Declared))
        {
            if (property.GetCustomAttribute<IdAttribute>() is { } id && !withField.Contains(property.Name))
            {
                if (property.GetMethod is null || property.SetMethod is null)
                {
                    throw new OrleansConfigurationException(
                        $"{type}.{property.Name} has an [Id] but no getter and setter.");
                }

                members.Add(new(id.Id, property.Name, property.PropertyType, null, property, IsImmutable(property)));
            }
        }

        foreach (var twice in members.GroupBy(member => member.Id).Where(group => group.Count() > 1))
        {
            throw new OrleansConfigurationException(
                $"{type} uses [Id({twice.Key})] for {string.Join(" and ", twice.Select(member => member.Name))}.");
        }

        return [.. members.OrderBy(member => member.Id)];
    }

    private static ShapeMember? Member(Type type, FieldInfo field)
    {
        if (field.IsDefined(typeof(NonSerializedAttribute), false))
        {
            return null;
        }

        var property = PropertyOf(type, field);
        var named = (MemberInfo?)property ?? field;
        var id = named.GetCustomAttribute<IdAttribute>() ?? throw new OrleansConfigurationException(
            $"{type}.{named.Name} has neither [Id] nor [NonSerialized], and {type.Name} is [GenerateSerializer].");
        return new ShapeMember(id.Id, named.Name, field.FieldType, field, null, IsImmutable(named));
    }

    private static PropertyInfo? PropertyOf(Type type, FieldInfo field) =>
        field.Name.StartsWith('<') && field.Name.EndsWith(">k__BackingField", StringComparison.Ordinal)
            ? type.GetProperty(field.Name[1..field.Name.IndexOf('>', StringComparison.Ordinal)], Declared)
            : null;

    private static bool IsImmutable(MemberInfo member) => member.IsDefined(typeof(ImmutableAttribute), false);
}
