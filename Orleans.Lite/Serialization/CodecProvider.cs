using System.Collections.Immutable;

namespace Orleans.Serialization;

/// <summary>The codec of each type, built on first use and kept. One per host, because references come to life through
/// the host's grain factory. Building is serialised by a lock; lookups take none.</summary>
internal sealed class CodecProvider(TypeNames names, Func<Type, GrainId, object> makeReference)
{
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
    {
        if (!key.IsDefined(typeof(GenerateSerializerAttribute), false))
        {
            return null;
        }

        var codec = Make(typeof(ObjectCodec<>), [key], TypeShape.Of(key), provider, true);
        ((IBuiltLater)codec).Build();
        return (IBodyCodec)codec;
    }, this);

    /// <summary>Makes a generic class; its exceptions come out as they are.</summary>
    public static object Make(Type open, Type[] arguments, params object?[] parameters) => Activator.CreateInstance(
        open.MakeGenericType(arguments), BindingFlags.Instance | BindingFlags.Public | BindingFlags.DoNotWrapExceptions,
        null, parameters, null)!;

    private Codec Build(Type type)
    {
        var outermost = _building.Count == 0;
        try
        {
            var codec = WellKnownCodecs.All.TryGetValue(type, out var known) ? known.Codec : (Codec)Create(type);
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

    private object Create(Type type)
    {
        if (type.IsEnum)
        {
            return Make(typeof(EnumCodec<>), [type]);
        }

        if (type.IsSZArray)
        {
            return Make(typeof(ArrayCodec<>), [type.GetElementType()!], Get(type.GetElementType()!));
        }

        var arguments = type.GetGenericArguments();
        var open = type.IsGenericType ? type.GetGenericTypeDefinition() switch
        {
            var each when each == typeof(Nullable<>) => typeof(NullableCodec<>),
            var each when each == typeof(List<>) => typeof(ListCodec<>),
            var each when each == typeof(ImmutableArray<>) => typeof(ImmutableArrayCodec<>),
            var each when each == typeof(Dictionary<,>) => typeof(DictionaryCodec<,>),
            _ => null,
        } : null;
        return open is null ? CreateDeclared(type) : Make(open, arguments, [.. arguments.Select(Get)]);
    }

    private object CreateDeclared(Type type)
    {
        if (typeof(IAddressable).IsAssignableFrom(type) && type.IsInterface)
        {
            return Make(typeof(ReferenceCodec<>), [type], makeReference);
        }

        var immutable = type.IsDefined(typeof(ImmutableAttribute), false);
        if (type.IsDefined(typeof(GenerateSerializerAttribute), false) && !typeof(Exception).IsAssignableFrom(type))
        {
            var shape = type.IsAbstract ? null : TypeShape.Of(type);
            return Make(
                type.IsValueType ? typeof(StructCodec<>) : typeof(ObjectCodec<>), [type], shape, this, immutable);
        }

        return type == typeof(object) ? Make(typeof(ObjectCodec<>), [type], null, this, false)
            : throw new CodecNotFoundException(
                $"{type} cannot be sent: it is neither a known type nor [GenerateSerializer] with numbered members.");
    }
}
