using System.Reflection;

namespace Orleans.Serialization.Invocation;

/// <summary>A method with its arguments.</summary>
public interface IInvokable
{
    /// <summary>The object it runs on; null before it arrived there.</summary>
    object? GetTarget();

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

    /// <summary>The interface.</summary>
    Type GetInterfaceType();

    /// <summary>The method's own response timeout, if it has one.</summary>
    TimeSpan? GetDefaultResponseTimeout();

    /// <summary>The cancellation argument; none when the method takes none.</summary>
    CancellationToken GetCancellationToken();

    /// <summary>Whether the method takes a cancellation token.</summary>
    bool IsCancellable { get; }
}

/// <summary>The outcome of a call: a result or an exception.</summary>
public abstract class Response
{
    /// <summary>A success without a value.</summary>
    public static Response Completed { get; } = new Response<object?>(null);

    /// <summary>The value; throws the exception if there is one.</summary>
    public abstract object? Result { get; set; }

    /// <summary>The failure, or null.</summary>
    public virtual Exception? Exception
    {
        get => null;
        set => throw new NotSupportedException("Make a new response from the exception instead.");
    }

    /// <summary>A success.</summary>
    public static Response FromResult<TResult>(TResult value) => new Response<TResult>(value);

    /// <summary>A failure.</summary>
    public static Response FromException(Exception exception) => new ExceptionResponse(exception);
}

/// <summary>A typed success.</summary>
public sealed class Response<TResult>(TResult value) : Response
{
    /// <summary>The value.</summary>
    public TResult TypedResult { get; set; } = value;

    /// <inheritdoc/>
    public override object? Result
    {
        get => TypedResult;
        set => TypedResult = (TResult)value!;
    }
}

internal sealed class ExceptionResponse(Exception exception) : Response
{
    public override object? Result
    {
        get
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(exception);
            return null;
        }
        set => throw new InvalidOperationException("The response is an exception and has no result to replace.");
    }

    public override Exception? Exception
    {
        get => exception;
        set => exception = value ?? throw new ArgumentNullException(nameof(value));
    }
}
