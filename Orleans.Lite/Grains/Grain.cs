namespace Orleans;

/// <summary>Base of grain classes.</summary>
public abstract class Grain : IGrainBase, IAddressable
{
    /// <summary>The activation whose grain object is being constructed on this thread.</summary>
    [ThreadStatic]
    internal static Activation? Constructing;

    /// <summary>Takes the activation that is being made.</summary>
    protected Grain() => GrainContext = Constructing ?? throw new InvalidOperationException(
        "A grain is made by the runtime: get a reference from IGrainFactory instead of calling its constructor.");

    /// <inheritdoc/>
    public IGrainContext GrainContext { get; }
    /// <summary>The identity as text.</summary>
    public string IdentityString => GrainContext.GrainId.ToString();
    /// <summary>Makes references to other grains.</summary>
    protected IGrainFactory GrainFactory => ServiceProvider.GetRequiredService<IGrainFactory>();
    /// <summary>The services of this activation.</summary>
    protected IServiceProvider ServiceProvider => GrainContext.ActivationServices;
    /// <inheritdoc/>
    public virtual Task OnActivateAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public virtual Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    /// <summary>Deactivates when the running calls are done.</summary>
    protected void DeactivateOnIdle() => GrainBaseExtensions.DeactivateOnIdle(this);
    /// <summary>Not collected for being idle during this time; a negative time takes it back.</summary>
    protected void DelayDeactivation(TimeSpan timeSpan) => ((Activation)GrainContext).DelayDeactivation(timeSpan);
}

/// <summary>What a grain can ask of its activation.</summary>
public static class GrainBaseExtensions
{
    /// <summary>Deactivates when the running calls are done.</summary>
    public static void DeactivateOnIdle(this IGrainBase grain) => grain.GrainContext.Deactivate(
        new DeactivationReason(DeactivationReasonCode.ApplicationRequested, "The grain called DeactivateOnIdle."));

    /// <summary>Adds a timer.</summary>
    public static IGrainTimer RegisterGrainTimer<TState>(this IGrainBase grain,
        Func<TState, CancellationToken, Task> callback, TState state, GrainTimerCreationOptions options) =>
        ((Activation)grain.GrainContext).RegisterTimer(token => callback(state, token), options);

    /// <summary>Adds a timer.</summary>
    public static IGrainTimer RegisterGrainTimer(
        this IGrainBase grain, Func<CancellationToken, Task> callback, GrainTimerCreationOptions options) =>
        ((Activation)grain.GrainContext).RegisterTimer(callback, options);

    /// <summary>Adds a timer.</summary>
    public static IGrainTimer RegisterGrainTimer(
        this IGrainBase grain, Func<Task> callback, TimeSpan dueTime, TimeSpan period) =>
        grain.RegisterGrainTimer(_ => callback(), new GrainTimerCreationOptions(dueTime, period));
}

/// <summary>Identity and references of grains.</summary>
public static class GrainExtensions
{
    /// <summary>The grain's identity.</summary>
    public static GrainId GetGrainId(this IAddressable grain) => grain switch
    {
        GrainReference reference => reference.GrainId,
        IGrainBase activation => activation.GrainContext.GrainId,
        _ => throw new ArgumentException($"{grain.GetType()} is neither a grain nor a reference to one."),
    };

    /// <summary>The grain's string key.</summary>
    public static string GetPrimaryKeyString(this IAddressable grain) => grain.GetGrainId().Key.ToString();

    /// <summary>A reference to this grain that may be passed on.</summary>
    public static TGrainInterface AsReference<TGrainInterface>(this IAddressable grain)
        where TGrainInterface : IAddressable => grain switch
        {
            TGrainInterface reference when grain is GrainReference => reference,
            IGrainBase activation => activation.GrainContext.ActivationServices.GetRequiredService<IGrainFactory>()
                .GetGrain<TGrainInterface>(activation.GrainContext.GrainId),
            _ => throw new ArgumentException($"{grain.GetType()} is no reference of {typeof(TGrainInterface)}."),
        };
}
