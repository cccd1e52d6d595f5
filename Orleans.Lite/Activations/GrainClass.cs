namespace Orleans.Runtime;

/// <summary>What is known of a grain class: its name, how it is made, how its calls interleave, when it is
/// collected.</summary>
internal sealed class GrainClass
{
    private readonly ConstructorInvoker _constructor;
    private readonly Func<Activation, object?>[] _parameters;
    private readonly bool _reentrant;
    private readonly Func<IInvokable, bool>? _predicate;

    public GrainClass(Type type)
    {
        Type = type;
        GrainType = GrainType.Create(NameOf(type));
        Interfaces = [.. type.GetInterfaces().Where(each =>
            typeof(IAddressable).IsAssignableFrom(each) && each.Assembly != typeof(Grain).Assembly)];
        _reentrant = type.IsDefined(typeof(ReentrantAttribute), true);
        if (type.GetCustomAttribute<MayInterleaveAttribute>(true) is { } mayInterleave)
        {
            _predicate = Predicate(type, mayInterleave.CallbackMethodName);
        }

        HasInterleaving = _reentrant || _predicate is not null
            || Interfaces.SelectMany(each => each.GetMethods()).Any(method =>
                method.IsDefined(typeof(AlwaysInterleaveAttribute)) || method.IsDefined(typeof(ReadOnlyAttribute)));
        CollectionAge = type.IsDefined(typeof(KeepAliveAttribute), true)
            ? Timeout.InfiniteTimeSpan
            : type.GetCustomAttribute<CollectionAgeLimitAttribute>(true)?.AgeLimit;
        var constructor = type.GetConstructors().MaxBy(each => each.GetParameters().Length)
            ?? throw new OrleansConfigurationException($"Grain class {type} has no public constructor.");
        _constructor = ConstructorInvoker.Create(constructor);
        _parameters = [.. constructor.GetParameters().Select(Resolver)];
    }

    public Type Type { get; }
    public GrainType GrainType { get; }
    public Type[] Interfaces { get; }
    /// <summary>How long an activation may be idle; infinite for ever; null for what the options say.</summary>
    public TimeSpan? CollectionAge { get; }

    /// <summary>Whether any call may overtake another. Interleaving timers make it true for their activation's
    /// class.</summary>
    public bool HasInterleaving { get; private set; }

    public object Create(Activation activation)
    {
        var arguments = new object?[_parameters.Length];
        for (var i = 0; i < arguments.Length; i++)
        {
            arguments[i] = _parameters[i](activation);
        }

        Grain.Constructing = activation;
        try
        {
            return _constructor.Invoke(arguments.AsSpan());
        }
        finally
        {
            Grain.Constructing = null;
        }
    }

    public void AllowInterleaving() => HasInterleaving = true;

    public bool MayInterleave(Work work) =>
        _reentrant || (_predicate is not null && work.Call is { } call && _predicate(call));

    public MethodInfo ImplementationOf(MethodInfo interfaceMethod)
    {
        var map = Type.GetInterfaceMap(interfaceMethod.DeclaringType!);
        return map.TargetMethods[Array.IndexOf(map.InterfaceMethods, interfaceMethod)];
    }

    private static string NameOf(Type type)
    {
        if (type.GetCustomAttribute<GrainTypeAttribute>() is { } named)
        {
            return named.Name;
        }

        var name = type.Name.EndsWith("Grain", StringComparison.Ordinal) ? type.Name[..^"Grain".Length] : type.Name;
#pragma warning disable CA1308 // Grain types are lower case by convention: they name stored records.
        return name.ToLowerInvariant();
#pragma warning restore CA1308
    }

    private static Func<IInvokable, bool> Predicate(Type type, string name)
    {
        var method = type.GetMethod(
            name, BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static, [typeof(IInvokable)]);
        return method?.ReturnType == typeof(bool)
            ? method.CreateDelegate<Func<IInvokable, bool>>()
            : throw new OrleansConfigurationException(
                $"{type} is [MayInterleave(\"{name}\")] but has no static bool {name}(IInvokable).");
    }

    private static Func<Activation, object?> Resolver(ParameterInfo parameter)
    {
        var type = parameter.ParameterType;
        if (parameter.GetCustomAttribute<PersistentStateAttribute>() is { } state)
        {
            if (!type.IsGenericType || type.GetGenericTypeDefinition() != typeof(IPersistentState<>))
            {
                throw new OrleansConfigurationException(
                    $"{parameter.Member.DeclaringType}: [PersistentState] is for IPersistentState<T>, not for {type}.");
            }

            return activation => activation.AddState((PersistentState)Serialization.CodecProvider.Make(
                typeof(PersistentState<>), type.GetGenericArguments(), activation, state));
        }

        if (type == typeof(IGrainContext))
        {
            return static activation => activation;
        }

        if (parameter.GetCustomAttribute<FromKeyedServicesAttribute>() is { } keyed)
        {
            return activation => activation.ActivationServices.GetRequiredKeyedService(type, keyed.Key);
        }

        return parameter.HasDefaultValue
            ? activation => activation.ActivationServices.GetService(type) ?? parameter.DefaultValue
            : activation => activation.ActivationServices.GetRequiredService(type);
    }
}
