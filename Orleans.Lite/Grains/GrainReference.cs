namespace Orleans.Runtime;

/// <summary>A grain seen from outside: proxies derive from it. Equal when the grain is the same.</summary>
public abstract class GrainReference : IAddressable, IEquatable<GrainReference>
{
    private InterfaceDescriptor _interface = null!;
    private CallRuntime _runtime = null!;

    /// <summary>The grain.</summary>
    public GrainId GrainId { get; private set; }

    /// <summary>The interface this reference was made for.</summary>
    public GrainInterfaceType InterfaceType => _interface.WireType;

    /// <summary>The name of the interface this reference was made for.</summary>
    public string InterfaceName => _interface.Name;

    internal CallRuntime Runtime => _runtime;

    /// <inheritdoc/>
    public bool Equals(GrainReference? other) => other is not null && GrainId.Equals(other.GrainId);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as GrainReference);

    /// <inheritdoc/>
    public override int GetHashCode() => GrainId.GetHashCode();

    /// <inheritdoc/>
    public override string ToString() => $"{InterfaceName} {GrainId}";

    internal void Bind(GrainId grainId, InterfaceDescriptor description, CallRuntime runtime)
    {
        GrainId = grainId;
        _interface = description;
        _runtime = runtime;
    }

    internal Task InvokeTask(Invokable request) => _runtime.CallAsync<VoidResult>(this, request);

    internal Task<T> InvokeTaskOf<T>(Invokable request) => _runtime.CallAsync<T>(this, request);

    internal ValueTask InvokeValueTask(Invokable request) => new(_runtime.CallAsync<VoidResult>(this, request));

    internal ValueTask<T> InvokeValueTaskOf<T>(Invokable request) => new(_runtime.CallAsync<T>(this, request));
}
