namespace Orleans.Runtime;

/// <summary>One method of a grain interface: names, attributes and the generated classes. Shared by the whole
/// process.</summary>
internal sealed class MethodDescriptor
{
    public MethodDescriptor(Type declaringInterface, MethodInfo method)
    {
        Interface = declaringInterface;
        Method = method;
        InterfaceName = Serialization.TypeNames.Of(declaringInterface);
        WireName = method.GetCustomAttribute<AliasAttribute>()?.Alias ?? Signature(method);
        Id = StableHash.Of64($"{InterfaceName}::{WireName}");
        DisplayName = $"{declaringInterface.Name}.{method.Name}";
        ParameterInfo[] parameters = method.GetParameters();
        ParameterTypes = [.. parameters.Select(parameter => parameter.ParameterType)];
        TokenIndex = Array.IndexOf(ParameterTypes, typeof(CancellationToken));
        ImmutableArguments = [.. parameters.Select(IsImmutable)];
        ImmutableResult = IsImmutable(method.ReturnParameter);
        ResultType = method.ReturnType.IsGenericType ? method.ReturnType.GetGenericArguments()[0] : typeof(VoidResult);
        IsReadOnly = method.IsDefined(typeof(ReadOnlyAttribute));
        IsAlwaysInterleave = method.IsDefined(typeof(AlwaysInterleaveAttribute));
        IsOneWay = method.IsDefined(typeof(OneWayAttribute));
        ResponseTimeout = method.GetCustomAttribute<ResponseTimeoutAttribute>()?.Timeout;
    }

    public Type Interface { get; }
    public MethodInfo Method { get; }
    public string InterfaceName { get; }
    public string WireName { get; }
    public string DisplayName { get; }
    /// <summary>What travels: a hash of the two wire names. Clashes are found at start.</summary>
    public ulong Id { get; }
    public Type[] ParameterTypes { get; }
    /// <summary>Which parameter is the cancellation token; -1 for none.</summary>
    public int TokenIndex { get; }
    public bool[] ImmutableArguments { get; }
    public bool ImmutableResult { get; }
    public Type ResultType { get; }
    public bool IsReadOnly { get; }
    public bool IsAlwaysInterleave { get; }
    public bool IsOneWay { get; }
    public TimeSpan? ResponseTimeout { get; }
    /// <summary>Makes an empty call; set by <see cref="ProxyBuilder"/>.</summary>
    public Func<Invokable> NewInvokable { get; set; } = null!;
    /// <summary>The generated fields that hold the arguments; set by <see cref="ProxyBuilder"/>.</summary>
    public FieldInfo[] ArgumentFields { get; set; } = [];

    private static string Signature(MethodInfo method) =>
        $"{method.Name}({string.Join(',', method.GetParameters().Select(parameter => parameter.ParameterType.Name))})";

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
        void Refuse(MemberInfo member, string why) =>
            throw new OrleansConfigurationException($"Grain interface {type}: {member.Name} {why}.");

        foreach (var property in type.GetProperties(Members))
        {
            Refuse(property, "is a property; use a method that returns a task");
        }

        foreach (var signal in type.GetEvents(Members))
        {
            Refuse(signal, "is an event; grain interfaces have methods only");
        }

        foreach (var method in type.GetMethods(Members))
        {
            if (method.IsStatic)
            {
                Refuse(method, "is static");
            }

            if (!IsTask(method.ReturnType))
            {
                Refuse(method, $"returns {method.ReturnType}; it must return Task, Task<T>, ValueTask or ValueTask<T>");
            }

            if (method.GetParameters().FirstOrDefault(parameter => parameter.ParameterType.IsByRef) is { } byReference)
            {
                Refuse(method, $"takes '{byReference.Name}' by reference (ref, out or in); arguments go by value");
            }

            if (method.IsGenericMethodDefinition)
            {
                Refuse(method, "is generic; Orleans.Lite has no generic grain methods");
            }

            if (method.GetParameters().Count(parameter => parameter.ParameterType == typeof(CancellationToken)) > 1)
            {
                Refuse(method, "takes more than one cancellation token");
            }
        }
    }

    private static bool IsTask(Type type) => type == typeof(Task) || type == typeof(ValueTask)
        || (type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(Task<>)
            || type.GetGenericTypeDefinition() == typeof(ValueTask<>)));
}
