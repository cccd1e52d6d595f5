namespace Orleans.Runtime;

/// <summary>A grain seen from outside: proxies derive from it. Equal when the grain is the same.</summary>
public abstract class GrainReference : IAddressable, IEquatable<GrainReference>
{
    /// <summary>The grain.</summary>
    public GrainId GrainId { get; internal set; }

    /// <summary>The name of the interface this reference was made for.</summary>
    public abstract string InterfaceName { get; }

    /// <inheritdoc/>
    public bool Equals(GrainReference? other) => other is not null && GrainId.Equals(other.GrainId);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as GrainReference);

    /// <inheritdoc/>
    public override int GetHashCode() => GrainId.GetHashCode();

    /// <inheritdoc/>
    public override string ToString() => $"{InterfaceName} {GrainId}";
}
