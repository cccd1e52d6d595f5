using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Concurrency;
using Orleans.Configuration;
using Orleans.Serialization.Invocation;

namespace Orleans.Runtime;

/// <summary>
/// What is known of a grain class: its name, how it is made, how its calls interleave, when it is collected.
/// </summary>
internal sealed class GrainClass
{
    private readonly ConstructorInvoker _constructor;
    private readonly Func<Activation, object?>[] _parameters;
    private readonly bool _reentrant;
    private readonly Func<IInvokable, bool>? _staticPredicate;
    private readonly MethodInfo? _instancePredicate;

    public GrainClass(Type type)
    {
        Type = type;
        GrainType = GrainType.Create(NameOf(type));
        Interfaces = [.. type.GetInterfaces().Where(each =>
            typeof(IAddressable).IsAssignableFrom(each) && each.Assembly != typeof(Grain).Assembly)];
        _reentrant = type.IsDefined(typeof(ReentrantAttribute), true);
        if (type.GetCustomAttribute<MayInterleaveAttribute>(true) is { } mayInterleave)
        {
            (_staticPredicate, _instancePredicate) = Predicate(type, mayInterleave.CallbackMethodName);
        }

        HasInterleaving = _reentrant || _staticPredicate is not null || _instancePredicate is not null
            || Interfaces.SelectMany(each => each.GetMethods()).Any(method =>
                method.IsDefined(typeof(AlwaysInterleaveAttribute)) || method.IsDefined(typeof(ReadOnlyAttribute)));
        var constructor = ChooseConstructor(type);
        _constructor = ConstructorInvoker.Create(constructor);
        _parameters = [.. constructor.GetParameters().Select(Resolver)];
    }

    public Type Type { get; }

    public GrainType GrainType { get; }

    public Type[] Interfaces { get; }

    /// <summary>
    /// Whether any call may overtake another. Interleaving timers make it true for their activation's class.
    /// </summary>
    public bool HasInterleaving { get; private set; }

    public object Create(Activation activation)
    {
        var arguments = new object?[_parameters.Length];
        for (var i = 0; i < arguments.Length; i++)
        {
            arguments[i] = _parameters[i](activation);
        }

        ActivationScope.Current = activation;
        try
        {
            return _constructor.Invoke(arguments.AsSpan());
        }
        finally
        {
            ActivationScope.Current = null;
        }
    }

    public void AllowInterleaving() => HasInterleaving = true;

    public bool MayInterleave(Work work, object? grain)
    {
        if (_reentrant)
        {
            return true;
        }

        return work.Call is { } call
            && (_staticPredicate?.Invoke(call) ?? (bool?)_instancePredicate?.Invoke(grain, [call]) ?? false);
    }

    public MethodInfo ImplementationOf(MethodInfo interfaceMethod)
    {
        var map = Type.GetInterfaceMap(interfaceMethod.DeclaringType!);
        return map.TargetMethods[Array.IndexOf(map.InterfaceMethods, interfaceMethod)];
    }

    /// <summary>How long an activation may be idle; infinite for ever.</summary>
    public TimeSpan CollectionAge(GrainCollectionOptions options)
    {
        if (Type.IsDefined(typeof(KeepAliveAttribute), true))
        {
            return Timeout.InfiniteTimeSpan;
        }

        return options.ClassSpecificCollectionAge.TryGetValue(Type.FullName ?? Type.Name, out var age)
            ? age
            : Type.GetCustomAttribute<CollectionAgeLimitAttribute>(true)?.AgeLimit ?? options.CollectionAge;
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

    private static (Func<IInvokable, bool>? Static, MethodInfo? Instance) Predicate(Type type, string name)
    {
        var method = type.GetMethod(
            name, BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance,
            [typeof(IInvokable)]);
        if (method?.ReturnType != typeof(bool))
        {
            throw new OrleansConfigurationException(
                $"{type} is [MayInterleave(\"{name}\")] but has no bool {name}(IInvokable).");
        }

        return method.IsStatic ? (method.CreateDelegate<Func<IInvokable, bool>>(), null) : (null, method);
    }

    private static ConstructorInfo ChooseConstructor(Type type)
    {
        var all = type.GetConstructors(BindingFlags.Instance | BindingFlags.Public);
        return all.FirstOrDefault(each => each.IsDefined(typeof(ActivatorUtilitiesConstructorAttribute)))
            ?? all.MaxBy(each => each.GetParameters().Length)
            ?? throw new OrleansConfigurationException($"Grain class {type} has no public constructor.");
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
