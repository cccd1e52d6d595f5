namespace Orleans.Runtime;

/// <summary>A grain seen from outside: proxies derive from it. Equal when the grain is the same.</summary>
public abstract class GrainReference : IAddressable, IEquatable<GrainReference>
{
    private InterfaceDescriptor _interface = null!;
    private CallRuntime _runtime = null!;

    /// <summary>The grain.</summary>
    public GrainId GrainId { get; private set; }
    /// <inheritdoc/>
    public bool Equals(GrainReference? other) => other is not null && GrainId.Equals(other.GrainId);
    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as GrainReference);
    /// <inheritdoc/>
    public override int GetHashCode() => GrainId.GetHashCode();
    /// <inheritdoc/>
    public override string ToString() => $"{_interface.Name} {GrainId}";

    internal void Bind(GrainId grainId, InterfaceDescriptor description, CallRuntime runtime) =>
        (GrainId, _interface, _runtime) = (grainId, description, runtime);

    internal Task InvokeTask(Invokable request) => _runtime.CallAsync<VoidResult>(this, request);
    internal Task<T> InvokeTaskOf<T>(Invokable request) => _runtime.CallAsync<T>(this, request);
    internal ValueTask InvokeValueTask(Invokable request) => new(_runtime.CallAsync<VoidResult>(this, request));
    internal ValueTask<T> InvokeValueTaskOf<T>(Invokable request) => new(_runtime.CallAsync<T>(this, request));
}
