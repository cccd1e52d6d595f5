namespace Orleans.Runtime
{
    /// <summary>Anything calls can be sent to.</summary>
    public interface IAddressable;
}

namespace Orleans
{
    /// <summary>Base of grain interfaces.</summary>
    public interface IGrain : IAddressable;
    /// <summary>Base of the interfaces of grains whose key is a string.</summary>
    public interface IGrainWithStringKey : IGrain;

    /// <summary>Base of grain classes that do not derive from <see cref="Grain"/>.</summary>
    public interface IGrainBase
    {
        /// <summary>The activation.</summary>
        IGrainContext GrainContext { get; }
        /// <summary>Runs before the first call, after state was read. A failure fails the calls that wait.</summary>
        Task OnActivateAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        /// <summary>Runs after the last call, not on a crash.</summary>
        Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => Task.CompletedTask;
    }

    /// <summary>Makes references to grains; local and cheap.</summary>
    public interface IGrainFactory
    {
        /// <summary>A reference to the grain with this key.</summary>
        TGrainInterface GetGrain<TGrainInterface>(string primaryKey, string? grainClassNamePrefix = null)
            where TGrainInterface : IGrainWithStringKey;

        /// <summary>A reference to the grain with this identity.</summary>
        TGrainInterface GetGrain<TGrainInterface>(GrainId grainId)
            where TGrainInterface : IAddressable;
    }

    /// <summary>A client of the cluster: outside (over a gateway) or inside a silo process.</summary>
    public interface IClusterClient : IGrainFactory
    {
        /// <summary>The services of the host.</summary>
        IServiceProvider ServiceProvider { get; }
    }
}
