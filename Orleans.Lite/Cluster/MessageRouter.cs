namespace Orleans.Runtime;

/// <summary>Decides where in the cluster a request goes. Today there is one silo, so the answer is this one; the
/// questions are asked in the order a cluster needs them: is it active here, does the directory know it, where should
/// it be placed.</summary>
internal sealed class MessageRouter(
    Catalog catalog, GrainDirectory directory, Membership membership, Placement placement) : IRequestRouter
{
    /// <summary>From a caller in this process: takes copies of the arguments.</summary>
    public void Send(Request request, PendingCall? call)
    {
        var cancellable = request.Body.GetCancellationToken().CanBeCanceled;
        request.Body = request.Codec.CopyArguments(request.Body);
        if (cancellable)
        {
            request.OwnCancellation();
        }

        Deliver(request);
    }

    /// <summary>From anywhere: arguments are the callee's own.</summary>
    public void Deliver(Request request)
    {
        if (catalog.TryGet(request.Target, out var activation) && activation.TryAdd(request))
        {
            return;
        }

        var silo = directory.Lookup(request.Target) ?? placement.Choose(request.Target, membership.Active);
        if (!silo.Equals(membership.Local))
        {
            request.Reject(new SiloUnavailableException(
                $"{request.Name} was not sent: grain {request.Target} is on {silo}, and this engine has no silo "
                + $"connections yet."));
            return;
        }

        catalog.Deliver(request);
    }

    public void Cancel(PendingCall call) => call.Request.Cancel();

    public string Describe(PendingCall call) => catalog.TryGet(call.Request.Target, out var activation)
        ? $"The grain: {activation.Describe()}."
        : "The grain is not active here.";
}
