namespace Orleans;

/// <summary>A grain call on its way through filters.</summary>
public interface IGrainCallContext
{
    /// <summary>The method and its arguments.</summary>
    IInvokable Request { get; }
    /// <summary>The grain (callee's side) or the reference (caller's side).</summary>
    object Grain { get; }
    /// <summary>The grain that calls; null when the caller is no grain.</summary>
    GrainId? SourceId { get; }
    /// <summary>The grain that is called.</summary>
    GrainId TargetId { get; }
    /// <summary>The interface's name.</summary>
    string InterfaceName { get; }
    /// <summary>The method's name.</summary>
    string MethodName { get; }
    /// <summary>The method of the interface.</summary>
    MethodInfo InterfaceMethod { get; }
    /// <summary>The result, once there is one; a filter may replace it.</summary>
    object? Result { get; set; }
    /// <summary>Goes on to the next filter, at last to the grain.</summary>
    Task Invoke();
}

/// <summary>A call at the callee's side.</summary>
public interface IIncomingGrainCallContext : IGrainCallContext
{
    /// <summary>The activation that is called.</summary>
    IGrainContext TargetContext { get; }
    /// <summary>The method of the grain class.</summary>
    MethodInfo ImplementationMethod { get; }
}

/// <summary>A call at the caller's side.</summary>
public interface IOutgoingGrainCallContext : IGrainCallContext;

/// <summary>Sees every call that arrives at grains of this silo. Register it as a singleton.</summary>
public interface IIncomingGrainCallFilter
{
    /// <summary>Runs around the call: await <c>context.Invoke()</c> to go on.</summary>
    Task Invoke(IIncomingGrainCallContext context);
}

/// <summary>Sees every call that leaves this silo or client for a grain. Register it as a singleton.</summary>
public interface IOutgoingGrainCallFilter
{
    /// <summary>Runs around the call: await <c>context.Invoke()</c> to go on.</summary>
    Task Invoke(IOutgoingGrainCallContext context);
}
