using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace OrleansCache.Client.Tests;

/// <summary>A public surface as text: one line for a type, one for each of its members, ordered.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(double)] = "double",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
    };

    /// <summary>These types and, of our assemblies, those in their signatures.</summary>
    internal static IReadOnlyList<Type> TypesOf(IEnumerable<Type> types)
    {
        var found = new SortedDictionary<string, Type>(StringComparer.Ordinal);
        var left = new Queue<Type>(types);
        while (left.TryDequeue(out var type))
        {
            if (found.TryAdd(type.FullName!, type))
            {
                var inside = MembersOf(type).SelectMany(TypesIn).Append(type.BaseType ?? typeof(object)).SelectMany(Parts);
                foreach (var other in inside.Where(one => one.FullName!.StartsWith("Orleans", StringComparison.Ordinal)))
                {
                    left.Enqueue(other);
                }
            }
        }

        return [.. found.Values];
    }

    /// <summary>What programs can call or override of a type, without what the compiler adds.</summary>
    internal static IEnumerable<MemberInfo> MembersOf(Type type) => type.GetMembers(Declared)
        .Where(member => member.GetCustomAttribute<CompilerGeneratedAttribute>() is null && member.Name[0] != '<')
        .Where(member => member switch
        {
            MethodInfo { IsSpecialName: true } => false,
            MethodBase method => IsOpen(method),
            PropertyInfo property => property.GetAccessors(nonPublic: true).Any(IsOpen),
            FieldInfo field => field.IsPublic && !field.IsSpecialName,
            _ => false,
        });

    /// <summary>The text.</summary>
    internal static IEnumerable<string> Render(IEnumerable<Type> types) => types.SelectMany(type =>
        MembersOf(type).Select(member => $"    {Describe(member)}").Order(StringComparer.Ordinal).Prepend(Describe(type)));

    private static bool IsOpen(MethodBase method) => method.IsPublic || (method.IsFamily && !method.DeclaringType!.IsSealed);

    private static IEnumerable<Type> TypesIn(MemberInfo member) => member switch
    {
        MethodInfo method => method.GetParameters().Select(parameter => parameter.ParameterType).Append(method.ReturnType),
        MethodBase constructor => constructor.GetParameters().Select(parameter => parameter.ParameterType),
        PropertyInfo property => [property.PropertyType],
        FieldInfo field => [field.FieldType],
        _ => [],
    };

    private static IEnumerable<Type> Parts(Type type) => type.HasElementType ? Parts(type.GetElementType()!)
        : type.IsGenericParameter ? []
        : type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type.GetGenericTypeDefinition())
        : [type];

    private static string Describe(Type type)
    {
        var kind = type.IsEnum ? $"enum {type.FullName} : {Name(Enum.GetUnderlyingType(type))}"
            : type.IsInterface ? $"interface {type.FullName}"
            : type.IsValueType ? $"struct {type.FullName}"
            : $"{(type is { IsAbstract: true, IsSealed: true } ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "")}"
                + $"class {type.FullName}";
        var parents = (type is { IsClass: true, BaseType: { } parent } && parent != typeof(object) ? [parent] : Array.Empty<Type>())
            .Concat(type.IsEnum ? [] : type.GetInterfaces().Except(type.BaseType?.GetInterfaces() ?? []).OrderBy(Name, StringComparer.Ordinal));
        var list = string.Join(", ", parents.Where(one => one.IsPublic).Select(Name));
        return list.Length == 0 || type.IsEnum ? kind : $"{kind} : {list}";
    }

    private static string Describe(MemberInfo member) => member switch
    {
        ConstructorInfo constructor => $"{Access(constructor)}new({Parameters(constructor)})",
        MethodInfo method => $"{Access(method)}{Nullable(method.ReturnParameter)} {method.Name}({Parameters(method)})",
        PropertyInfo property => Describe(property),
        FieldInfo { IsLiteral: true } field => $"const {Name(field.FieldType)} {field.Name} = {Value(field.GetRawConstantValue())}",
        FieldInfo field => $"{(field.IsStatic ? "static " : "")}{Name(field.FieldType)} {field.Name}",
        _ => member.ToString()!,
    };

    private static string Describe(PropertyInfo property)
    {
        var accessor = property.GetAccessors(nonPublic: true).First(IsOpen);
        var set = property.SetMethod is { } setter && IsOpen(setter)
            ? setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? " init;" : " set;"
            : string.Empty;
        var required = property.GetCustomAttribute<RequiredMemberAttribute>() is null ? string.Empty : "required ";
        var type = Mark(property.PropertyType, new NullabilityInfoContext().Create(property).ReadState);
        return $"{Access(accessor)}{required}{type} {property.Name} {{{(property.CanRead ? " get;" : "")}{set} }}";
    }

    private static string Access(MethodBase method) =>
        (method.IsFamily ? "protected " : "") + (method.IsStatic ? "static " : "")
        + (method is MethodInfo { IsVirtual: true, IsFinal: false } info && !method.DeclaringType!.IsSealed && info.GetBaseDefinition() == info
            && !method.DeclaringType.IsInterface ? "virtual " : "")
        + (method is MethodInfo { IsVirtual: true } other && other.GetBaseDefinition() != other ? "override " : "");

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select((parameter, index) =>
        (index == 0 && method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "")
        + (parameter.IsOut ? "out " : "") + $"{Nullable(parameter)} {parameter.Name}"
        + (parameter.HasDefaultValue ? $" = {Value(parameter.DefaultValue)}" : "")));

    private static string Nullable(ParameterInfo parameter) =>
        Mark(parameter.ParameterType, new NullabilityInfoContext().Create(parameter).ReadState);

    private static string Mark(Type type, NullabilityState state) =>
        Name(type) + (state == NullabilityState.Nullable && !type.IsValueType ? "?" : "");

    private static string Value(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        Enum one => one.ToString(),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Name(Type type)
    {
        if (Keywords.TryGetValue(type, out var keyword))
        {
            return keyword;
        }

        if (type.IsByRef || type.IsArray)
        {
            return Name(type.GetElementType()!) + (type.IsArray ? "[]" : "");
        }

        if (System.Nullable.GetUnderlyingType(type) is { } inner)
        {
            return Name(inner) + "?";
        }

        if (!type.IsGenericType)
        {
            return type.Name;
        }

        return $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>";
    }
}
