namespace Orleans.Serialization;

/// <summary>Names of types on the wire: [Alias], else the full name. Only types that are listed here can be asked
/// for.</summary>
internal sealed class TypeNames
{
    /// <summary>Exceptions of the base library that keep their type although they carry no attribute.</summary>
    private static readonly Type[] CommonExceptions = [
        typeof(Exception), typeof(ArgumentException), typeof(ArgumentNullException), typeof(FormatException),
        typeof(ArgumentOutOfRangeException), typeof(InvalidOperationException), typeof(ObjectDisposedException),
        typeof(NotSupportedException), typeof(TimeoutException), typeof(OperationCanceledException),
        typeof(TaskCanceledException), typeof(KeyNotFoundException), typeof(NullReferenceException),
        typeof(OverflowException), typeof(InvalidCastException), typeof(UnauthorizedAccessException),
        typeof(IOException), typeof(FileNotFoundException), typeof(DirectoryNotFoundException),
        typeof(InvalidDataException), typeof(System.Diagnostics.UnreachableException),
    ];

    private readonly Dictionary<string, Type> _types = [];

    public TypeNames(IEnumerable<Type> serializableTypes)
    {
        foreach (var (type, (name, _)) in WellKnownCodecs.All)
        {
            _types.Add(name, type);
        }

        foreach (var type in CommonExceptions.Concat(serializableTypes))
        {
            var name = Of(type);
            if (!_types.TryAdd(name, type) && _types[name] != type)
            {
                throw new OrleansConfigurationException($"{type} and {_types[name]} both have the wire name '{name}'.");
            }
        }
    }

    public static string Of(Type type) =>
        type.GetCustomAttribute<AliasAttribute>(false)?.Alias ?? type.FullName ?? type.Name;

    public string NameOf(Type type) => WellKnownCodecs.All.TryGetValue(type, out var known)
        ? known.Name
        : _types.GetValueOrDefault(Of(type)) == type ? Of(type) : throw new CodecNotFoundException(
                $"{type} cannot be sent as a base type: it is not [GenerateSerializer].");

    public bool TryGetType(string name, [NotNullWhen(true)] out Type? type) => _types.TryGetValue(name, out type);

    public bool TryGetException(string name, [NotNullWhen(true)] out Type? type) =>
        _types.TryGetValue(name, out type) && typeof(Exception).IsAssignableFrom(type) && !type.IsAbstract;
}
