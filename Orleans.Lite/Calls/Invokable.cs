using System.Reflection;
using Orleans.Serialization.Invocation;

namespace Orleans.Runtime;

/// <summary>
/// A call as an object: generated classes add a field per argument and the call itself. One copy belongs to the caller
/// until it is sent, one to the callee.
/// </summary>
internal abstract class Invokable : IInvokable
{
    private object? _target;

    public abstract MethodDescriptor Descriptor { get; }

    public bool IsCancellable => Descriptor.TokenIndex >= 0;

    /// <summary>Calls the method on the target.</summary>
    public abstract ValueTask<Response> InvokeAsync(object target);

    public object? GetTarget() => _target;

    public void SetTarget(object target) => _target = target;

    public int GetArgumentCount() => Descriptor.ParameterTypes.Length;

    public object? GetArgument(int index) => Descriptor.ArgumentFields[index].GetValue(this);

    public void SetArgument(int index, object? value) => Descriptor.ArgumentFields[index].SetValue(this, value);

    public string GetMethodName() => Descriptor.Method.Name;

    public string GetInterfaceName() => Descriptor.InterfaceName;

    public MethodInfo GetMethod() => Descriptor.Method;

    public Type GetInterfaceType() => Descriptor.Interface;

    public TimeSpan? GetDefaultResponseTimeout() => Descriptor.ResponseTimeout;

    public abstract CancellationToken GetCancellationToken();

    public abstract void SetCancellationToken(CancellationToken token);

    public Invokable ShallowCopy() => (Invokable)MemberwiseClone();

    protected static ValueTask<Response> FinishTask(Task task)
    {
        return task.IsCompletedSuccessfully ? new(Response.Completed) : Wait(task);

        static async ValueTask<Response> Wait(Task task)
        {
            await task;
            return Response.Completed;
        }
    }

    protected static ValueTask<Response> FinishTaskOf<T>(Task<T> task)
    {
        return task.IsCompletedSuccessfully ? new(new Response<T>(task.Result)) : Wait(task);

        static async ValueTask<Response> Wait(Task<T> task) => new Response<T>(await task);
    }

    protected static ValueTask<Response> FinishValueTask(ValueTask task) =>
        task.IsCompletedSuccessfully ? new(Response.Completed) : FinishTask(task.AsTask());

    protected static ValueTask<Response> FinishValueTaskOf<T>(ValueTask<T> task) =>
        task.IsCompletedSuccessfully ? new(new Response<T>(task.Result)) : FinishTaskOf(task.AsTask());
}
