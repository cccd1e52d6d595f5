using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace OrleansCache.Silo.Telemetry;

/// <summary>
/// Counts the calls that arrive at this silo's grains, by interface: a warm read must not add to it. (A client's wait for changes,
/// <c>IChangeFeedGrain</c>, is a call every few seconds whatever is read.) Thread-safe.
/// </summary>
internal sealed class GrainCallCounter : IIncomingGrainCallFilter
{
    private readonly ConcurrentDictionary<Type, StrongBox<long>> _calls = new();

    /// <inheritdoc/>
    public Task Invoke(IIncomingGrainCallContext context)
    {
        var calls = _calls.GetOrAdd(context.InterfaceMethod.DeclaringType!, static _ => new StrongBox<long>());
        Interlocked.Increment(ref calls.Value);
        return context.Invoke();
    }

    /// <summary>Shows the counts on a meter.</summary>
    public void Publish(Meter meter) => meter.CreateObservableCounter(
        "ocache_grain_calls_total",
        () => _calls.Select(one => new Measurement<long>(
            Interlocked.Read(ref one.Value.Value), new KeyValuePair<string, object?>("grain", one.Key.Name))),
        description: "Calls that arrived at grains of this silo.");
}
