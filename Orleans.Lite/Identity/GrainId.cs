namespace Orleans.Runtime;

/// <summary>A short UTF-8 name with its hash: the building block of identities.</summary>
public readonly struct IdSpan : IEquatable<IdSpan>
{
    private readonly byte[]? _value;
    private readonly int _hash;

    /// <summary>Wraps the bytes; the caller gives them away.</summary>
    public IdSpan(byte[] value)
    {
        _value = value;
        _hash = (int)StableHash.Of32(value);
    }

    /// <summary>Whether there is no name.</summary>
    public bool IsDefault => _value is null;
    /// <summary>The bytes.</summary>
    public ReadOnlySpan<byte> AsSpan() => _value;
    /// <summary>The name for a text.</summary>
    public static IdSpan Create(string id) => new(Encoding.UTF8.GetBytes(id));
    /// <inheritdoc/>
    public bool Equals(IdSpan other) => _hash == other._hash && AsSpan().SequenceEqual(other.AsSpan());
    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is IdSpan other && Equals(other);
    /// <summary>A hash that is the same in every process.</summary>
    public override int GetHashCode() => _hash;
    /// <inheritdoc/>
    public override string ToString() => _value is null ? string.Empty : Encoding.UTF8.GetString(_value);
    /// <summary>Equality by content.</summary>
    public static bool operator ==(IdSpan left, IdSpan right) => left.Equals(right);
    /// <summary>Inequality by content.</summary>
    public static bool operator !=(IdSpan left, IdSpan right) => !left.Equals(right);
}

/// <summary>The name of a kind of grain, as in the first half of a <see cref="GrainId"/>.</summary>
public readonly record struct GrainType(IdSpan Value)
{
    /// <summary>Whether there is no name.</summary>
    public bool IsDefault => Value.IsDefault;
    /// <summary>The grain type with this name.</summary>
    public static GrainType Create(string value) => new(IdSpan.Create(value));
    /// <inheritdoc/>
    public override string ToString() => Value.ToString();
}

/// <summary>Who a grain is: its type and its key. The text form is <c>type/key</c>.</summary>
public readonly record struct GrainId(GrainType Type, IdSpan Key)
{
    /// <summary>Whether this names no grain.</summary>
    public bool IsDefault => Type.IsDefault && Key.IsDefault;
    /// <summary>The identity of <paramref name="type"/> and <paramref name="key"/>.</summary>
    public static GrainId Create(string type, string key) => new(GrainType.Create(type), IdSpan.Create(key));
    /// <summary>The identity of <paramref name="type"/> and <paramref name="key"/>.</summary>
    public static GrainId Create(GrainType type, string key) => new(type, IdSpan.Create(key));

    /// <summary>Reads the text form.</summary>
    public static GrainId Parse(string value) => TryParse(value, out var result)
        ? result
        : throw new FormatException($"'{value}' is not a grain identity: expected type/key.");

    /// <summary>Reads the text form.</summary>
    public static bool TryParse([NotNullWhen(true)] string? value, out GrainId result)
    {
        var slash = value?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        result = slash > 0 ? Create(value![..slash], value[(slash + 1)..]) : default;
        return slash > 0;
    }

    /// <summary>A hash that is the same in every process.</summary>
    public uint GetUniformHashCode() => ((uint)Type.Value.GetHashCode() * 31) ^ (uint)Key.GetHashCode();
    /// <inheritdoc/>
    public bool Equals(GrainId other) => Key.Equals(other.Key) && Type.Equals(other.Type);
    /// <inheritdoc/>
    public override int GetHashCode() => (int)GetUniformHashCode();
    /// <inheritdoc/>
    public override string ToString() => $"{Type}/{Key}";
}
