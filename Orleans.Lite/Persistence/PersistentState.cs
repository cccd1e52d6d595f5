namespace Orleans.Runtime;

/// <summary>State that the activation reads before it activates.</summary>
internal abstract class PersistentState
{
    public abstract Task ReadStateAsync();
}

/// <summary>The bridge between a grain's state and its storage provider.</summary>
internal sealed class PersistentState<T> : PersistentState, IPersistentState<T>
{
    private const string DefaultStorage = "Default";
    private readonly GrainState<T> _state = new(Instances<T>.New());
    private readonly IGrainStorage _storage;
    private readonly string _name;
    private readonly GrainId _grainId;

    public PersistentState(Activation activation, PersistentStateAttribute attribute)
    {
        _name = attribute.StateName;
        _grainId = activation.GrainId;
        var services = activation.ActivationServices;
        var storageName = attribute.StorageName ?? DefaultStorage;
        _storage = services.GetKeyedService<IGrainStorage>(storageName)
            ?? (attribute.StorageName is null ? services.GetService<IGrainStorage>() : null)
            ?? throw new OrleansConfigurationException(
                $"Grain {_grainId} keeps state '{_name}' in storage '{storageName}', not added (AddGrainStorage).");
    }

    public T State
    {
        get => _state.State;
        set => _state.State = value;
    }

    public string? Etag => _state.ETag;
    public bool RecordExists => _state.RecordExists;

    public override Task ReadStateAsync() =>
        DoAsync(static (storage, name, id, state) => storage.ReadStateAsync(name, id, state));

    public Task WriteStateAsync() =>
        DoAsync(static (storage, name, id, state) => storage.WriteStateAsync(name, id, state));

    public Task ClearStateAsync() =>
        DoAsync(static (storage, name, id, state) => storage.ClearStateAsync(name, id, state));

    private async Task DoAsync(Func<IGrainStorage, string, GrainId, IGrainState<T>, Task> operation)
    {
        // A provider may change the request context; what it sets must not flow on into the grain.
        var context = RequestContext.Current;
        try
        {
            await operation(_storage, _name, _grainId, _state);
        }
        finally
        {
            RequestContext.Current = context;
        }
    }
}
