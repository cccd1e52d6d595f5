namespace Orleans.Runtime;

/// <summary>Knows which grain type serves an interface: a silo from its classes, a client from its gateway.</summary>
internal interface IGrainTypeResolver
{
    GrainType Resolve(InterfaceDescriptor description);
}

/// <summary>Makes references. In a silo it is also the co-hosted client.</summary>
internal sealed class GrainFactory(IServiceProvider services, Lazy<CallRuntime> runtime, IGrainTypeResolver resolver)
    : IClusterClient
{
    public IServiceProvider ServiceProvider => services;

    public TGrainInterface GetGrain<TGrainInterface>(string primaryKey, string? grainClassNamePrefix = null)
        where TGrainInterface : IGrainWithStringKey
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(primaryKey);
        if (grainClassNamePrefix is not null)
        {
            throw new NotSupportedException("Orleans.Lite does not choose grain classes by prefix; give the GrainId.");
        }

        var proxy = ProxyBuilder.Get(typeof(TGrainInterface));
        var id = GrainId.Create(resolver.Resolve(proxy.Description), primaryKey);
        return (TGrainInterface)(object)proxy.New(id, runtime.Value);
    }

    public TGrainInterface GetGrain<TGrainInterface>(GrainId grainId)
        where TGrainInterface : IAddressable =>
        (TGrainInterface)(object)MakeReference(typeof(TGrainInterface), grainId);

    public GrainReference MakeReference(Type grainInterface, GrainId grainId) =>
        ProxyBuilder.Get(grainInterface).New(grainId, runtime.Value);
}
