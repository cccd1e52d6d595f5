namespace Orleans.Runtime;

/// <summary>What both sides' filters see of a call.</summary>
internal abstract class CallContext(Invokable body, GrainId target, GrainId? source) : IGrainCallContext
{
    public IInvokable Request => body;
    public abstract object Grain { get; }
    public GrainId? SourceId => source;
    public GrainId TargetId => target;
    public string InterfaceName => body.Descriptor.InterfaceName;
    public string MethodName => body.Descriptor.Method.Name;
    public MethodInfo InterfaceMethod => body.Descriptor.Method;
    public Response? Response { get; protected set; }
    public object? Result
    {
        get => Response?.Result;
        set => Response = new Response<object?>(value);
    }

    protected int Stage { get; set; }
    protected Invokable Body => body;
    public abstract Task Invoke();
}

/// <summary>A call at the callee: filters of the silo, the grain itself if it is one, then the method.</summary>
internal sealed class IncomingCallContext(Request request, Activation activation, IIncomingGrainCallFilter[] filters)
    : CallContext(request.Body, request.Target, request.Source), IIncomingGrainCallContext
{
    public override object Grain => activation.GrainInstance!;
    public IGrainContext TargetContext => activation;
    public MethodInfo ImplementationMethod => activation.Class.ImplementationOf(InterfaceMethod);

    public override async Task Invoke()
    {
        var stage = Stage++;
        if (stage < filters.Length)
        {
            await filters[stage].Invoke(this);
        }
        else if (stage == filters.Length && Grain is IIncomingGrainCallFilter own)
        {
            await own.Invoke(this);
        }
        else
        {
            Response = await Body.InvokeAsync(Grain);
        }
    }
}

/// <summary>A call at the caller: filters, then the message.</summary>
internal sealed class OutgoingCallContext<T>(
    CallRuntime runtime, GrainReference target, Invokable body, IOutgoingGrainCallFilter[] filters)
    : CallContext(body, target.GrainId, ActivationScheduler.CurrentActivation?.GrainId), IOutgoingGrainCallContext
{
    public override object Grain => target;

    public override async Task Invoke()
    {
        var stage = Stage++;
        if (stage < filters.Length)
        {
            await filters[stage].Invoke(this);
        }
        else
        {
            Response = new Response<T>(await runtime.SendAsync<T>(target, Body));
        }
    }
}
