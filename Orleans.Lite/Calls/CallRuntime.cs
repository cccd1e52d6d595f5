namespace Orleans.Runtime;

/// <summary>Where requests go from here: the silo's router or the client's connections.</summary>
internal interface IRequestRouter
{
    /// <summary>Sends a request. Arguments must be taken (copied or written) before this returns.</summary>
    void Send(Request request, PendingCall? call);
    /// <summary>Tells the callee that the caller cancelled. Best effort.</summary>
    void Cancel(PendingCall call);
    /// <summary>What is known of the callee, for error texts.</summary>
    string Describe(PendingCall call);
}

/// <summary>The caller's side of every call of this host: filters, deadline, cancellation, the wait.</summary>
internal sealed class CallRuntime(CodecProvider codecs, IRequestRouter router, TimeProvider time,
    TimeSpan responseTimeout, IEnumerable<IOutgoingGrainCallFilter> filters) : IDisposable
{
    private readonly ConcurrentDictionary<MethodDescriptor, MethodCodec> _methods = new();
    private readonly IOutgoingGrainCallFilter[] _filters = [.. filters];

    public PendingCalls Pending { get; } = new(time, router);

    public MethodCodec CodecOf(MethodDescriptor method) => _methods.TryGetValue(method, out var codec)
        ? codec
        : _methods.GetOrAdd(method, MethodCodec.Make(method, codecs));

    public Task<T> CallAsync<T>(GrainReference target, Invokable body)
    {
        return _filters.Length == 0 ? SendAsync<T>(target, body) : Filtered(target, body);

        async Task<T> Filtered(GrainReference target, Invokable body)
        {
            var context = new OutgoingCallContext<T>(this, target, body, _filters);
            await context.Invoke();
            return context.Response is Response<T> typed ? typed.TypedResult : (T)context.Response?.Result!;
        }
    }

    public Task<T> SendAsync<T>(GrainReference target, Invokable body)
    {
        try
        {
            return Send<T>(target, body);
        }
        catch (Exception exception)
        {
            return Task.FromException<T>(exception); // The call failed before it left: the caller sees it at its await.
        }
    }

    public void Dispose() => Pending.Dispose();

    private Task<T> Send<T>(GrainReference target, Invokable body)
    {
        var method = body.Descriptor;
        var token = body.GetCancellationToken();
        if (token.IsCancellationRequested)
        {
            return Task.FromCanceled<T>(token);
        }

        var now = time.GetTimestamp();
        var timeout = method.ResponseTimeout ?? responseTimeout;
        var request = new Request(Pending.NextId(), target.GrainId, CodecOf(method), body)
        {
            Source = ActivationScheduler.CurrentActivation?.GrainId,
            Context = RequestContext.Current,
            Deadline = timeout == Timeout.InfiniteTimeSpan
                ? 0
                : now + (long)(timeout.TotalSeconds * time.TimestampFrequency),
        };
        if (method.IsOneWay)
        {
            router.Send(request, null);
            return Task.FromResult<T>(default!);
        }

        var call = new PendingCall<T>(Pending, request, token) { Since = now };
        request.ReplyTo = call;
        Pending.Add(call);
        try
        {
            router.Send(request, call);
        }
        catch (Exception exception)
        {
            call.TryFinish(Response.FromException(exception));
            return call.Task;
        }

        if (token.CanBeCanceled)
        {
            call.ListenTo(token);
        }

        return call.Task;
    }
}
