namespace Orleans.Runtime;

/// <summary>A caller that waits for an answer: completed once, by the answer, the clock, a cancellation or a lost
/// connection.</summary>
internal abstract class PendingCall(PendingCalls calls, Request request) : IReplyTo
{
    private CancellationTokenRegistration _registration;

    public Request Request { get; } = request;
    /// <summary>The connection the request went out on; null for calls inside a silo or not sent yet.</summary>
    public object? Connection { get; set; }
    /// <summary>When the caller began to wait.</summary>
    public long Since { get; init; }
    protected abstract bool IsCompleted { get; }

    /// <summary>The answer of a grain in this process: the caller gets a copy of the result.</summary>
    public void Respond(Request request, Response response)
    {
        try
        {
            TryFinish(response.Exception is null ? request.Codec.CopyResult(response) : response);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            TryFinish(Response.FromException(exception)); // The result has no copier: the caller is told.
        }
    }

    public void ListenTo(CancellationToken token)
    {
        _registration = token.UnsafeRegister(static self => ((PendingCall)self!).Cancel(), this);
        if (IsCompleted)
        {
            _registration.Unregister();
        }
    }

    public bool TryFinish(Response response)
    {
        if (!calls.Remove(Request.Id))
        {
            return false; // Somebody was first: the answer is late.
        }

        _registration.Unregister();
        if (response.Exception is { } exception)
        {
            Fail(exception);
        }
        else
        {
            Complete(response);
        }

        return true;
    }

    protected abstract void Complete(Response response);
    protected abstract void Fail(Exception exception);
    protected abstract void CancelCaller();

    private void Cancel()
    {
        if (calls.Remove(Request.Id))
        {
            CancelCaller();
            calls.CancelRequest(this);
        }
    }
}

/// <inheritdoc/>
internal sealed class PendingCall<T>(
    PendingCalls calls, Request request, CancellationToken token) : PendingCall(calls, request)
{
    private readonly TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Task => _source.Task;
    protected override bool IsCompleted => _source.Task.IsCompleted;

    protected override void Complete(Response response)
    {
        if (typeof(T) == typeof(VoidResult))
        {
            _source.TrySetResult(default!);
        }
        else if (response is Response<T> typed)
        {
            _source.TrySetResult(typed.TypedResult);
        }
        else if (response.Result is T || (response.Result is null && default(T) is null))
        {
            _source.TrySetResult((T)response.Result!);
        }
        else
        {
            Fail(new InvalidCastException(
                $"A filter of {Request.Name} set a result of {response.Result?.GetType()}, expected {typeof(T)}."));
        }
    }

    protected override void Fail(Exception exception) => _source.TrySetException(exception);
    protected override void CancelCaller() => _source.TrySetCanceled(token);
}
