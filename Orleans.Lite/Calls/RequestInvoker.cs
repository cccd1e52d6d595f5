namespace Orleans.Runtime;

/// <summary>Runs a request on its grain: checks that somebody still waits, goes through the filters, answers.</summary>
internal sealed class RequestInvoker(IEnumerable<IIncomingGrainCallFilter> filters, TimeProvider time)
{
    private readonly IIncomingGrainCallFilter[] _filters = [.. filters];

    public async Task RunAsync(Activation activation, Request request)
    {
        try
        {
            var response = Unwanted(request);
            if (response is null)
            {
                RequestContext.Current = request.Context;
                response = await InvokeAsync(activation, request);
            }

            request.Respond(response);
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

    /// <summary>The answer to a request that nobody waits for any more; null to run it.</summary>
    private Response? Unwanted(Request request) => request.IsCancelled
        ? Response.FromException(new OperationCanceledException($"{request.Name} was cancelled before it ran."))
        : request.Deadline != 0 && time.GetTimestamp() > request.Deadline
            ? Response.FromException(new TimeoutException($"{request.Name} expired before it ran."))
            : null;

    private async ValueTask<Response> InvokeAsync(Activation activation, Request request)
    {
        var grain = activation.GrainInstance!;
        if (_filters.Length == 0 && grain is not IIncomingGrainCallFilter)
        {
            return await request.Body.InvokeAsync(grain);
        }

        var context = new IncomingCallContext(request, activation, _filters);
        await context.Invoke();
        return context.Response ?? Response.Completed;
    }
}
