using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Orleans;
using Orleans.Runtime;
using Orleans.Runtime.Hosting;
using Orleans.Storage;

namespace OrleansCache.Orleans.Lite.Tests;

/// <summary>A store with ETags; tests may write behind the grain's back.</summary>
internal sealed class TestStorage : IGrainStorage
{
    private readonly ConcurrentDictionary<string, (int Value, int Version)> _records = new();

    public static void Register(IServiceCollection services)
    {
        services.AddSingleton<TestStorage>();
        services.AddGrainStorage("test", (provider, _) => provider.GetRequiredService<TestStorage>());
    }

    public void WriteBehind(GrainId grain, int value) =>
        _records.AddOrUpdate(grain.ToString(), (value, 1), (_, old) => (value, old.Version + 1));

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        if (_records.TryGetValue(grainId.ToString(), out var record))
        {
            ((StateGrain.Number)(object)grainState.State!).Value = record.Value;
            grainState.ETag = record.Version.ToString();
            grainState.RecordExists = true;
        }

        return Task.CompletedTask;
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var stored = _records.TryGetValue(grainId.ToString(), out var record) ? record.Version.ToString() : null;
        if (stored != grainState.ETag)
        {
            throw new InconsistentStateException("Somebody else wrote it.", stored, grainState.ETag);
        }

        WriteBehind(grainId, ((StateGrain.Number)(object)grainState.State!).Value);
        grainState.ETag = _records[grainId.ToString()].Version.ToString();
        grainState.RecordExists = true;
        return Task.CompletedTask;
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        _records.TryRemove(grainId.ToString(), out _);
        grainState.ETag = null!;
        grainState.RecordExists = false;
        return Task.CompletedTask;
    }
}
