namespace Orleans.Runtime;

/// <summary>What the scan for contracts looks at.</summary>
internal sealed class ManifestOptions
{
    /// <summary>Types that this refuses are not seen at all.</summary>
    public Func<Type, bool> Includes { get; set; } = static _ => true;
    /// <summary>Whether the grain classes are wanted, too: in a silo.</summary>
    public bool HostsGrains { get; set; }
}

/// <summary>The contracts of this process: wire names of serializable types, methods by wire id, and in a silo the
/// grain classes and which interface leads to which of them. Built and checked once at start.</summary>
internal sealed class Manifest : IGrainTypeResolver
{
    private readonly Dictionary<GrainType, GrainClass> _classes = [];
    private readonly Dictionary<string, GrainType> _grainTypes = [];
    private readonly HashSet<string> _ambiguous = [];
    private readonly Dictionary<ulong, MethodDescriptor> _methods = [];

    public Manifest(IOptions<ManifestOptions> options)
    {
        var types = AssemblyScan.Types().Where(options.Value.Includes).ToList();
        var serializable = types.Where(type =>
            !type.IsGenericTypeDefinition && type.IsDefined(typeof(GenerateSerializerAttribute), false)).ToList();
        Names = new TypeNames(serializable);
        serializable.Where(type => !type.IsEnum).ToList().ForEach(type => TypeShape.Of(type));
        var interfaces = types.Where(type => type.IsInterface && typeof(IAddressable).IsAssignableFrom(type)
            && type.Assembly != typeof(Grain).Assembly).ToList();
        foreach (var clash in interfaces.GroupBy(TypeNames.Of).Where(group => group.Count() > 1))
        {
            throw new OrleansConfigurationException(
                $"{string.Join(" and ", clash)} all have the wire name '{clash.Key}'.");
        }

        interfaces.ForEach(type => InterfaceDescriptor.Of(type));
        if (options.Value.HostsGrains)
        {
            types.Where(IsGrainClass).ToList().ForEach(type => AddClass(new GrainClass(type)));
        }
    }

    public TypeNames Names { get; }
    public Dictionary<string, GrainType> GrainTypes => _grainTypes;

    public bool TryGetClass(GrainType type, [NotNullWhen(true)] out GrainClass? grainClass) =>
        _classes.TryGetValue(type, out grainClass);

    public bool TryGetMethod(ulong id, [NotNullWhen(true)] out MethodDescriptor? method) =>
        _methods.TryGetValue(id, out method);

    public GrainType Resolve(InterfaceDescriptor description) => _ambiguous.Contains(description.Name)
        ? throw new ArgumentException($"Several grain classes implement {description.Type}; give the GrainId.")
        : _grainTypes.TryGetValue(description.Name, out var grainType)
            ? grainType
            : throw new ArgumentException($"No grain class of this silo implements {description.Type}.");

    /// <summary>Builds every codec a call to this silo can need: a type that cannot be sent is found now.</summary>
    public void CheckMethods(CallRuntime runtime)
    {
        foreach (var method in _methods.Values)
        {
            try
            {
                runtime.CodecOf(method);
            }
            catch (Exception exception) when (exception is SerializerException or OrleansConfigurationException)
            {
                throw new OrleansConfigurationException($"{method.DisplayName}: {exception.Message}", exception);
            }
        }
    }

    private static bool IsGrainClass(Type type) =>
        type is { IsClass: true, IsAbstract: false, IsGenericTypeDefinition: false }
        && typeof(IGrainBase).IsAssignableFrom(type) && typeof(IGrain).IsAssignableFrom(type);

    private void AddClass(GrainClass grainClass)
    {
        if (!_classes.TryAdd(grainClass.GrainType, grainClass))
        {
            throw new OrleansConfigurationException(
                $"{grainClass.Type} and {_classes[grainClass.GrainType].Type} both have the grain type "
                + $"'{grainClass.GrainType}'; give one a [GrainType].");
        }

        foreach (var grainInterface in grainClass.Interfaces)
        {
            var name = TypeNames.Of(grainInterface);
            if (!_grainTypes.TryAdd(name, grainClass.GrainType))
            {
                _ambiguous.Add(name);
            }

            foreach (var method in ProxyBuilder.Get(grainInterface).Description.Methods)
            {
                if (_methods.TryGetValue(method.Id, out var other) && other.Method != method.Method)
                {
                    throw new OrleansConfigurationException(
                        $"{method.DisplayName} and {other.DisplayName} clash on the wire.");
                }

                _methods[method.Id] = method;
            }
        }
    }
}

/// <summary>Finds the assemblies that use the engine: what is loaded, and what that references.</summary>
internal static class AssemblyScan
{
    private static readonly string Engine = typeof(AssemblyScan).Assembly.GetName().Name!;
    public static IEnumerable<Type> Types() => Assemblies().SelectMany(TypesOf);

    private static IEnumerable<Type> TypesOf(Assembly assembly)
    {
        try
        {
            return assembly.GetTypes();
        }
        catch (ReflectionTypeLoadException exception)
        {
            return exception.Types.OfType<Type>(); // What cannot be loaded here cannot be a grain here.
        }
    }

    private static IEnumerable<Assembly> Assemblies()
    {
        var seen = new HashSet<string>();
        var queue = new Queue<Assembly>(AppDomain.CurrentDomain.GetAssemblies().Where(assembly => !assembly.IsDynamic));
        while (queue.TryDequeue(out var assembly))
        {
            var name = assembly.GetName().Name!;
            if (!seen.Add(name) || IsPlatform(name))
            {
                continue;
            }

            var references = assembly.GetReferencedAssemblies();
            if (name == Engine || references.Any(reference => reference.Name == Engine))
            {
                yield return assembly;
            }

            foreach (var reference in references.Where(each => !IsPlatform(each.Name!) && !seen.Contains(each.Name!)))
            {
                if (TryLoad(reference) is { } loaded)
                {
                    queue.Enqueue(loaded);
                }
            }
        }
    }

    private static bool IsPlatform(string name) =>
        name.StartsWith("System.", StringComparison.Ordinal) || name.StartsWith("Microsoft.", StringComparison.Ordinal)
        || name is "System" or "netstandard" or "mscorlib";

    private static Assembly? TryLoad(AssemblyName name)
    {
        try
        {
            return Assembly.Load(name);
        }
        catch (Exception exception) when (exception is IOException or BadImageFormatException)
        {
            return null; // A reference that is not deployed cannot hold grains of this process.
        }
    }
}
