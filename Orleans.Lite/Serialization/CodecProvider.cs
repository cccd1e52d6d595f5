using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Reflection;
using Orleans.Runtime;

namespace Orleans.Serialization;

/// <summary>
/// The codec of each type, built on first use and kept. One per host, because references come to life through the
/// host's
/// grain factory. Building is serialised by a lock; lookups take none.
/// </summary>
internal sealed class CodecProvider(TypeNames names, Func<Type, GrainId, object> makeReference)
{
    private static readonly Dictionary<Type, Type> Lists = new()
    {
        [typeof(List<>)] = typeof(ListCodec<>),
        [typeof(HashSet<>)] = typeof(HashSetCodec<>),
        [typeof(ImmutableArray<>)] = typeof(ImmutableArrayCodec<>),
    };

    private static readonly HashSet<Type> ListInterfaces =
        [typeof(IReadOnlyList<>), typeof(
            IReadOnlyCollection<>), typeof(IEnumerable<>), typeof(IList<>), typeof(ICollection<>)];

    private static readonly HashSet<Type> Dictionaries =
        [typeof(Dictionary<,>), typeof(IDictionary<,>), typeof(IReadOnlyDictionary<,>)];

    private readonly ConcurrentDictionary<Type, Codec> _codecs = new();
    private readonly ConcurrentDictionary<Type, IBodyCodec?> _exceptions = new();
    private readonly Dictionary<Type, Codec> _building = [];
    private readonly Lock _gate = new();

    public TypeNames Names { get; } = names;

    public Codec<T> Get<T>() => (Codec<T>)Get(typeof(T));

    public Codec Get(Type type)
    {
        if (_codecs.TryGetValue(type, out var known))
        {
            return known;
        }

        lock (_gate)
        {
            return _building.TryGetValue(type, out var building) ? building : Build(type);
        }
    }

    /// <summary>The numbered members of an exception type; null when it has no serializer of its own.</summary>
    public IBodyCodec? ExceptionMembers(Type type) => _exceptions.GetOrAdd(type, static (key, provider) =>
        key.IsDefined(typeof(GenerateSerializerAttribute), false)
            ? (IBodyCodec)Make(typeof(ExceptionMembers<>), [key], TypeShape.Of(key), provider)
            : null, this);

    /// <summary>Makes a generic class; its exceptions come out as they are.</summary>
    public static object Make(Type open, Type[] arguments, params object?[] parameters) => Activator.CreateInstance(
        open.MakeGenericType(arguments), BindingFlags.Instance | BindingFlags.Public | BindingFlags.DoNotWrapExceptions,
        null, parameters, null)!;

    private Codec Build(Type type)
    {
        var outermost = _building.Count == 0;
        try
        {
            var codec = Create(type);
            _building[type] = codec;
            (codec as IBuiltLater)?.Build();
            if (outermost)
            {
                foreach (var (each, built) in _building)
                {
                    _codecs[each] = built;
                }
            }

            return codec;
        }
        finally
        {
            if (outermost)
            {
                _building.Clear();
            }
        }
    }

    private Codec Create(Type type)
    {
        if (WellKnownCodecs.All.TryGetValue(type, out var known))
        {
            return known.Codec;
        }

        if (type.IsEnum)
        {
            return (Codec)Make(typeof(EnumCodec<>), [type]);
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return (Codec)Make(typeof(NullableCodec<>), [underlying], Get(underlying));
        }

        if (type.IsSZArray)
        {
            return (Codec)Make(typeof(ArrayCodec<>), [type.GetElementType()!], Get(type.GetElementType()!));
        }

        return (type.IsGenericType ? CreateGeneric(type) : null) ?? CreateDeclared(type);
    }

    private Codec? CreateGeneric(Type type)
    {
        var open = type.GetGenericTypeDefinition();
        var arguments = type.GetGenericArguments();
        if (Lists.TryGetValue(open, out var list))
        {
            return (Codec)Make(list, arguments, Get(arguments[0]));
        }

        if (ListInterfaces.Contains(open))
        {
            return (Codec)Make(typeof(ListInterfaceCodec<,>), [type, arguments[0]], Get(arguments[0]));
        }

        if (Dictionaries.Contains(open))
        {
            return (Codec)Make(typeof(DictionaryCodec<,,>), [type, .. arguments], Get(arguments[0]), Get(arguments[1]));
        }

        return open == typeof(
            KeyValuePair<,>) || open.FullName!.StartsWith("System.ValueTuple`", StringComparison.Ordinal)
            ? (Codec)Make(typeof(StructCodec<>), [type], TypeShape.OfPlainFields(type), this, false)
            : null;
    }

    private Codec CreateDeclared(Type type)
    {
        if (typeof(Exception).IsAssignableFrom(type))
        {
            return (Codec)Make(typeof(ExceptionCodec<>), [type], this);
        }

        if (type != typeof(GrainReference) && typeof(IAddressable).IsAssignableFrom(type) && type.IsInterface)
        {
            return (Codec)Make(typeof(ReferenceCodec<>), [type], makeReference);
        }

        var immutable = type.IsDefined(typeof(ImmutableAttribute), false);
        if (type.IsDefined(typeof(GenerateSerializerAttribute), false))
        {
            var shape = type.IsAbstract ? null : TypeShape.Of(type);
            return (Codec)Make(
                type.IsValueType ? typeof(StructCodec<>) : typeof(ObjectCodec<>), [type], shape, this, immutable);
        }

        return type == typeof(object) || type.IsInterface || type.IsAbstract
            ? (Codec)Make(typeof(ObjectCodec<>), [type], null, this, immutable)
            : throw new CodecNotFoundException(
                $"{type} cannot be sent: it is neither a known type nor marked [GenerateSerializer] with "
                + $"numbered members.");
    }
}
