using Orleans.Serialization.Invocation;

namespace Orleans.Runtime;

/// <summary>Runs a request on its grain: checks that somebody still waits, goes through the filters, answers.</summary>
internal sealed class RequestInvoker(
    IEnumerable<IIncomingGrainCallFilter> filters, EngineInstruments instruments, TimeProvider time)
{
    private readonly IIncomingGrainCallFilter[] _filters = [.. filters];

    /// <summary>Whether a request whose caller no longer waits is dropped.</summary>
    public bool DropExpired { get; set; } = true;

    public async Task RunAsync(Activation activation, Request request)
    {
        try
        {
            if (IsWanted(request))
            {
                RequestContext.Import(request.Context);
                request.Respond(await InvokeAsync(activation, request));
            }
        }
        catch (Exception exception)
        {
            activation.DeactivateOnConflict(exception);
            request.Respond(Response.FromException(exception));
        }
        finally
        {
            activation.Finish(request);
        }
    }

    private bool IsWanted(Request request)
    {
        if (request.IsCancelled)
        {
            request.Respond(
                Response.FromException(new OperationCanceledException($"{request.Name} was cancelled before it ran.")));
            return false;
        }

        if (DropExpired && request.Deadline != 0 && time.GetTimestamp() > request.Deadline)
        {
            instruments.Expired();
            request.Respond(Response.FromException(new TimeoutException($"{request.Name} expired before it ran.")));
            return false;
        }

        return true;
    }

    private async ValueTask<Response> InvokeAsync(Activation activation, Request request)
    {
        var grain = activation.GrainInstance!;
        instruments.Ran();
        request.Body.SetTarget(grain);
        if (_filters.Length == 0 && grain is not IIncomingGrainCallFilter)
        {
            return await request.Body.InvokeAsync(grain);
        }

        var context = new IncomingCallContext(request, activation, _filters);
        await context.Invoke();
        return context.Response ?? Response.FromResult<object?>(null);
    }
}
