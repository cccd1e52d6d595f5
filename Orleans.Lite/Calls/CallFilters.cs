using System.Reflection;
using Orleans.Runtime;
using Orleans.Serialization.Invocation;

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

    /// <summary>The interface.</summary>
    GrainInterfaceType InterfaceType { get; }

    /// <summary>The interface's name.</summary>
    string InterfaceName { get; }

    /// <summary>The method's name.</summary>
    string MethodName { get; }

    /// <summary>The method of the interface.</summary>
    MethodInfo InterfaceMethod { get; }

    /// <summary>The result, once there is one; a filter may replace it.</summary>
    object? Result { get; set; }

    /// <summary>The response, once there is one.</summary>
    Response? Response { get; set; }

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
public interface IOutgoingGrainCallContext : IGrainCallContext
{
    /// <summary>The activation that calls; null when the caller is no grain.</summary>
    IGrainContext? SourceContext { get; }
}

/// <summary>Sees every call that arrives at grains of this silo.</summary>
public interface IIncomingGrainCallFilter
{
    /// <summary>Runs around the call: await <c>context.Invoke()</c> to go on.</summary>
    Task Invoke(IIncomingGrainCallContext context);
}

/// <summary>Sees every call that leaves this silo or client for a grain.</summary>
public interface IOutgoingGrainCallFilter
{
    /// <summary>Runs around the call: await <c>context.Invoke()</c> to go on.</summary>
    Task Invoke(IOutgoingGrainCallContext context);
}
