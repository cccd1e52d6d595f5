using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime;

namespace Orleans;

/// <summary>Base of grain classes.</summary>
public abstract class Grain : IGrainBase, IAddressable
{
    /// <summary>Takes the activation that is being made.</summary>
    protected Grain()
        : this(ActivationScope.Current ?? throw new InvalidOperationException(
            "A grain is made by the runtime: get a reference from IGrainFactory instead of calling its constructor."))
    {
    }

    /// <summary>Takes the given activation.</summary>
    protected Grain(IGrainContext grainContext) => GrainContext = grainContext;

    /// <inheritdoc/>
    public IGrainContext GrainContext { get; }

    /// <summary>A reference to this grain.</summary>
    public GrainReference GrainReference => GrainContext.GrainReference;

    /// <summary>Makes references to other grains.</summary>
    protected IGrainFactory GrainFactory => ServiceProvider.GetRequiredService<IGrainFactory>();

    /// <summary>The services of this activation.</summary>
    protected IServiceProvider ServiceProvider => GrainContext.ActivationServices;

    /// <summary>The identity as text.</summary>
    public string IdentityString => GrainContext.GrainId.ToString();

    /// <inheritdoc/>
    public virtual Task OnActivateAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public virtual Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    /// <summary>Deactivates when the running calls are done.</summary>
    protected void DeactivateOnIdle() => GrainBaseExtensions.DeactivateOnIdle(this);

    /// <summary>Not collected for being idle during this time; a negative time takes it back.</summary>
    protected void DelayDeactivation(TimeSpan timeSpan) =>
        (GrainContext as IActivationControl ?? throw new InvalidOperationException("No activation of this runtime."))
            .DelayDeactivation(timeSpan);
}

/// <summary>What the runtime's own activations can do beyond the public context.</summary>
internal interface IActivationControl
{
    void DelayDeactivation(TimeSpan time);

    IGrainTimer RegisterTimer(
        Func<object?, CancellationToken, Task> callback, object? state, GrainTimerCreationOptions options);
}

/// <summary>The activation whose grain object is being constructed on this thread.</summary>
internal static class ActivationScope
{
    [ThreadStatic]
    private static IGrainContext? _current;

    public static IGrainContext? Current
    {
        get => _current;
        set => _current = value;
    }
}
