namespace Orleans.Core
{
    /// <summary>Stored state of a grain.</summary>
    public interface IStorage
    {
        /// <summary>The version that was read or written last.</summary>
        string? Etag { get; }
        /// <summary>Whether the store has a record.</summary>
        bool RecordExists { get; }
        /// <summary>Deletes the record.</summary>
        Task ClearStateAsync();
        /// <summary>Writes the state if the ETag still fits.</summary>
        Task WriteStateAsync();
        /// <summary>Reads the state anew.</summary>
        Task ReadStateAsync();
        /// <summary>Writes the state if the ETag still fits.</summary>
        Task WriteStateAsync(CancellationToken cancellationToken) => WriteStateAsync();
    }

    /// <summary>Stored state of a grain with its value.</summary>
    public interface IStorage<TState> : IStorage
    {
        /// <summary>The value.</summary>
        TState State { get; set; }
    }
}

namespace Orleans.Runtime
{
    /// <summary>State read before the grain activates. See <see cref="PersistentStateAttribute"/>.</summary>
    public interface IPersistentState<TState> : IStorage<TState>;

    /// <summary>On a constructor parameter of type <see cref="IPersistentState{TState}"/>: what is stored
    /// where.</summary>
    [AttributeUsage(AttributeTargets.Parameter)]
    public sealed class PersistentStateAttribute(string stateName, string? storageName = null) : Attribute
    {
        /// <summary>The name of the state within the grain.</summary>
        public string StateName { get; } = stateName;
        /// <summary>The provider; null for the default one.</summary>
        public string? StorageName { get; } = storageName;
    }
}

namespace Orleans
{
    /// <summary>What a storage provider reads into and writes from.</summary>
    public interface IGrainState<T>
    {
        /// <summary>The value.</summary>
        T State { get; set; }
        /// <summary>The version.</summary>
        string ETag { get; set; }
        /// <summary>Whether the store has a record.</summary>
        bool RecordExists { get; set; }
    }

    /// <summary>A plain <see cref="IGrainState{T}"/>.</summary>
    public sealed class GrainState<T>(T state, string? eTag = null) : IGrainState<T>
    {
        /// <inheritdoc/>
        public T State { get; set; } = state;
        /// <inheritdoc/>
        public string ETag { get; set; } = eTag!;
        /// <inheritdoc/>
        public bool RecordExists { get; set; }
    }
}

namespace Orleans.Storage
{
    /// <summary>A place where grain state is kept. A write with a stale ETag throws
    /// <see cref="InconsistentStateException"/>.</summary>
    public interface IGrainStorage
    {
        /// <summary>Fills <paramref name="grainState"/> from the store.</summary>
        Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState);
        /// <summary>Stores <paramref name="grainState"/> and sets its new ETag.</summary>
        Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState);
        /// <summary>Deletes the record and resets <paramref name="grainState"/>.</summary>
        Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState);
    }
}
