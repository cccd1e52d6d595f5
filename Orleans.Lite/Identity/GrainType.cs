namespace Orleans.Runtime;

#pragma warning disable CA1036 // Identities are sorted, not compared with operators.

/// <summary>The name of a kind of grain, as in the first half of a <see cref="GrainId"/>.</summary>
public readonly record struct GrainType(IdSpan Value) : IComparable<GrainType>
{
    /// <summary>Whether there is no name.</summary>
    public bool IsDefault => Value.IsDefault;

    /// <summary>The grain type with this name.</summary>
    public static GrainType Create(string value) => new(IdSpan.Create(value));

    /// <summary>A hash that is the same in every process.</summary>
    public uint GetUniformHashCode() => Value.GetUniformHashCode();

    /// <inheritdoc/>
    public int CompareTo(GrainType other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString();
}

/// <summary>The name of a grain interface on the wire: its alias, else its full name.</summary>
public readonly record struct GrainInterfaceType(IdSpan Value)
{
    /// <summary>The interface type with this name.</summary>
    public static GrainInterfaceType Create(string value) => new(IdSpan.Create(value));

    /// <inheritdoc/>
    public override string ToString() => Value.ToString();
}
