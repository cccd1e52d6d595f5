namespace Orleans.Serialization.Invocation
{
    /// <summary>A method with its arguments.</summary>
    public interface IInvokable
    {
        /// <summary>How many arguments it has, cancellation tokens included.</summary>
        int GetArgumentCount();
        /// <summary>One argument.</summary>
        object? GetArgument(int index);
        /// <summary>Replaces one argument.</summary>
        void SetArgument(int index, object? value);
        /// <summary>The method's name.</summary>
        string GetMethodName();
        /// <summary>The interface's name.</summary>
        string GetInterfaceName();
        /// <summary>The method of the interface.</summary>
        MethodInfo GetMethod();
    }
}

namespace Orleans.Runtime
{
    /// <summary>A call as an object: generated classes add a field per argument and the call itself. One copy belongs
    /// to the caller until it is sent, one to the callee.</summary>
    internal abstract class Invokable : IInvokable
    {
        public abstract MethodDescriptor Descriptor { get; }
        /// <summary>Calls the method on the target.</summary>
        public abstract ValueTask<Response> InvokeAsync(object target);
        public int GetArgumentCount() => Descriptor.ParameterTypes.Length;
        public object? GetArgument(int index) => Descriptor.ArgumentFields[index].GetValue(this);
        public void SetArgument(int index, object? value) => Descriptor.ArgumentFields[index].SetValue(this, value);
        public string GetMethodName() => Descriptor.Method.Name;
        public string GetInterfaceName() => Descriptor.InterfaceName;
        public MethodInfo GetMethod() => Descriptor.Method;
        public virtual CancellationToken GetCancellationToken() => default;

        public virtual void SetCancellationToken(CancellationToken token)
        {
        }

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
}
