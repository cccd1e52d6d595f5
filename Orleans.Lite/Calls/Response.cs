using System.Runtime.ExceptionServices;

namespace Orleans.Serialization.Invocation;

/// <summary>The outcome of a call: a result or an exception.</summary>
internal abstract class Response
{
    public static Response Completed { get; } = new Response<object?>(null);
    /// <summary>The value; throws the exception if there is one.</summary>
    public abstract object? Result { get; }
    public virtual Exception? Exception => null;
    public static Response FromException(Exception exception) => new ExceptionResponse(exception);

    private sealed class ExceptionResponse(Exception exception) : Response
    {
        public override object? Result
        {
            get
            {
                ExceptionDispatchInfo.Throw(exception);
                return null;
            }
        }

        public override Exception? Exception => exception;
    }
}

/// <summary>A typed success.</summary>
internal sealed class Response<TResult>(TResult value) : Response
{
    public TResult TypedResult => value;
    public override object? Result => value;
}
