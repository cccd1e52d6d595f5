namespace Orleans.Runtime;

/// <summary>One method of a grain interface: names, attributes, generated classes. Shared by the process.</summary>
internal sealed class MethodDescriptor(Type declaringInterface, MethodInfo method)
{
    public Type Interface => declaringInterface;
    public MethodInfo Method => method;
    public string InterfaceName { get; } = TypeNames.Of(declaringInterface);
    public string WireName { get; } = WireNameOf(method);
    public string DisplayName { get; } = $"{declaringInterface.Name}.{method.Name}";
    /// <summary>What travels: a hash of the two wire names. Clashes are found at start.</summary>
    public ulong Id { get; } = StableHash.Of64($"{TypeNames.Of(declaringInterface)}::{WireNameOf(method)}");
    public Type[] ParameterTypes { get; } = [.. method.GetParameters().Select(each => each.ParameterType)];

    /// <summary>Which parameter is the cancellation token; -1 for none.</summary>
    public int TokenIndex { get; } =
        Array.FindIndex(method.GetParameters(), each => each.ParameterType == typeof(CancellationToken));

    public bool[] ImmutableArguments { get; } = [.. method.GetParameters().Select(IsImmutable)];
    public bool ImmutableResult { get; } = IsImmutable(method.ReturnParameter);
    public Type ResultType { get; } =
        method.ReturnType.IsGenericType ? method.ReturnType.GetGenericArguments()[0] : typeof(VoidResult);
    public bool IsReadOnly { get; } = method.IsDefined(typeof(ReadOnlyAttribute));
    public bool IsAlwaysInterleave { get; } = method.IsDefined(typeof(AlwaysInterleaveAttribute));
    public bool IsOneWay { get; } = method.IsDefined(typeof(OneWayAttribute));
    public TimeSpan? ResponseTimeout { get; } = method.GetCustomAttribute<ResponseTimeoutAttribute>()?.Timeout;
    /// <summary>Makes an empty call; set by <see cref="ProxyBuilder"/>.</summary>
    public Func<Invokable> NewInvokable { get; set; } = null!;
    /// <summary>The generated fields that hold the arguments; set by <see cref="ProxyBuilder"/>.</summary>
    public FieldInfo[] ArgumentFields { get; set; } = [];

    private static string WireNameOf(MethodInfo method) => method.GetCustomAttribute<AliasAttribute>()?.Alias
        ?? $"{method.Name}({string.Join(',', method.GetParameters().Select(each => each.ParameterType.Name))})";

    private static bool IsImmutable(ParameterInfo parameter) => parameter.IsDefined(typeof(ImmutableAttribute), false);
}

/// <summary>The result of a method that has none.</summary>
internal readonly struct VoidResult;

/// <summary>A grain interface with its methods, inherited ones too.</summary>
internal sealed class InterfaceDescriptor
{
    private const BindingFlags Members =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

    private InterfaceDescriptor(Type type, MethodDescriptor[] methods)
    {
        Type = type;
        Name = Serialization.TypeNames.Of(type);
        Methods = methods;
    }

    public Type Type { get; }
    public string Name { get; }
    public MethodDescriptor[] Methods { get; }

    /// <summary>Describes the interface; refuses what Orleans' analyzers refuse.</summary>
    public static InterfaceDescriptor Of(Type type)
    {
        var methods = new List<MethodDescriptor>();
        foreach (var each in type.GetInterfaces().Prepend(type))
        {
            Check(each);
            methods.AddRange(each.GetMethods(Members).Where(method => method.IsAbstract)
                .Select(method => new MethodDescriptor(each, method)));
        }

        foreach (var clash in methods.GroupBy(method => method.Id).Where(group => group.Count() > 1))
        {
            var names = string.Join(" and ", clash.Select(method => method.DisplayName));
            throw new OrleansConfigurationException(
                $"{names} of {type} have the same wire name '{clash.First().WireName}'.");
        }

        return new InterfaceDescriptor(type, [.. methods]);
    }

    private static void Check(Type type)
    {
        foreach (var member in type.GetMembers(Members))
        {
            var why = member is PropertyInfo or EventInfo ? "is a property or event; use a method that returns a task"
                : member is not MethodInfo method || method.IsSpecialName ? null // Constants are fine.
                : method.IsStatic || method.IsGenericMethodDefinition ? "is static or generic"
                : !IsTask(method.ReturnType) ? "must return Task, Task<T>, ValueTask or ValueTask<T>"
                : method.GetParameters().FirstOrDefault(each => each.ParameterType.IsByRef) is { } byReference
                    ? $"takes '{byReference.Name}' by reference (ref, out or in); arguments go by value"
                : method.GetParameters().Count(each => each.ParameterType == typeof(CancellationToken)) > 1
                    ? "takes more than one cancellation token"
                : null;
            if (why is not null)
            {
                throw new OrleansConfigurationException($"Grain interface {type}: {member.Name} {why}.");
            }
        }
    }

    private static bool IsTask(Type type) => type == typeof(Task) || type == typeof(ValueTask)
        || (type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(Task<>)
            || type.GetGenericTypeDefinition() == typeof(ValueTask<>)));
}
