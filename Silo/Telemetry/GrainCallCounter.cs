using System.Diagnostics.Metrics;

namespace OrleansCache.Silo.Telemetry;

/// <summary>Counts the calls that arrive at this silo's grains: a warm read must not add to it. Thread-safe.</summary>
internal sealed class GrainCallCounter : IIncomingGrainCallFilter
{
    private long _calls;

    /// <inheritdoc/>
    public Task Invoke(IIncomingGrainCallContext context)
    {
        Interlocked.Increment(ref _calls);
        return context.Invoke();
    }

    /// <summary>Shows the count on a meter.</summary>
    public void Publish(Meter meter) => meter.CreateObservableCounter(
        "ocache_grain_calls_total", () => Interlocked.Read(ref _calls), description: "Calls that arrived at grains of this silo.");
}
