using System.Collections.Concurrent;
using Orleans.Configuration;
using Orleans.Serialization;
using Orleans.Serialization.Invocation;

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

/// <summary>
/// The caller's side of every call of this host: filters, deadline, cancellation, the wait for the answer.
/// </summary>
internal sealed class CallRuntime : IDisposable
{
    private readonly ConcurrentDictionary<MethodDescriptor, MethodCodec> _methods = new();
    private readonly IOutgoingGrainCallFilter[] _filters;
    private readonly CodecProvider _codecs;
    private readonly IRequestRouter _router;
    private readonly TimeProvider _time;
    private readonly TimeSpan _responseTimeout;

    public CallRuntime(
        CodecProvider codecs, IRequestRouter router, TimeProvider time, MessagingOptions options,
        IEnumerable<IOutgoingGrainCallFilter> filters)
    {
        _codecs = codecs;
        _router = router;
        _time = time;
        _responseTimeout = options.ResponseTimeout;
        _filters = [.. filters];
        Pending = new PendingCalls(time, router, options.CancelRequestOnTimeout);
    }

    public PendingCalls Pending { get; }

    public MethodCodec CodecOf(MethodDescriptor method) =>
        _methods.TryGetValue(
            method, out var codec) ? codec : _methods.GetOrAdd(method, MethodCodec.Make(method, _codecs));

    public Task<T> CallAsync<T>(GrainReference target, Invokable body)
    {
        return _filters.Length == 0 ? SendAsync<T>(target, body) : Filtered(target, body);

        async Task<T> Filtered(GrainReference target, Invokable body)
        {
            var context =
                new OutgoingCallContext<T>(this, target, body, ActivationScheduler.CurrentActivation, _filters);
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

        var now = _time.GetTimestamp();
        var timeout = method.ResponseTimeout ?? _responseTimeout;
        var request = new Request(Pending.NextId(), target.GrainId, CodecOf(method), body)
        {
            Source = ActivationScheduler.CurrentActivation?.GrainId,
            Context = RequestContext.Export(),
            Deadline =
                timeout == Timeout.InfiniteTimeSpan ? 0 : now + (long)(timeout.TotalSeconds * _time.TimestampFrequency),
        };
        if (method.IsOneWay)
        {
            _router.Send(request, null);
            return Task.FromResult<T>(default!);
        }

        var call = new PendingCall<T>(Pending, request, token) { Since = now };
        request.ReplyTo = call;
        Pending.Add(call);
        try
        {
            _router.Send(request, call);
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
