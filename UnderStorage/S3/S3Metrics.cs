using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using OrleansCache.Files;

namespace OrleansCache.UnderStorage.S3;

/// <summary>The numbers of all S3 sources of this process (docs/METRICS.md). Counters outlive detaching. Thread-safe.</summary>
public sealed class S3Metrics
{
    private readonly ConcurrentDictionary<SourceId, S3Traffic> _sources = new(); // as many as were ever attached

    /// <summary>Puts them on a meter.</summary>
    public void Publish(Meter meter)
    {
        meter.CreateObservableCounter("ocache_under_storage_requests_total",
            () => _sources.Values.SelectMany(source => source.AllRequests()).ToArray(), null,
            "Requests to the store, by op and outcome.");
        Counter("ocache_under_storage_retries_total", "Requests sent again after one that failed.", source => source.Retries);
        Counter("ocache_under_storage_received_bytes_total", "Bytes of contents received.", source => source.ReceivedBytes);
        Counter("ocache_under_storage_turned_away_total", "Requests not sent: too many waited.", source => source.TurnedAway);
        Gauge("ocache_under_storage_in_flight", "Requests under way.", gate => gate.InFlight);
        Gauge("ocache_under_storage_limit", "Reads that may be under way at once.", gate => gate.Limit);
        Gauge("ocache_under_storage_waiting", "Requests that wait to be sent.", gate => gate.Waiting);
        Gauge("ocache_under_storage_away", "1 while the store does not answer and is asked by one request at a time.",
            gate => gate.IsAway ? 1 : 0);

        void Counter(string name, string text, Func<S3Traffic, Measurement<long>> read) =>
            meter.CreateObservableCounter(name, () => _sources.Values.Select(read).ToArray(), null, text);

        void Gauge(string name, string text, Func<RequestGate, long> read) => meter.CreateObservableGauge(
            name, () => _sources.Values.Select(source => source.OfGate(read)).ToArray(), null, text);
    }

    /// <summary>The numbers of one source.</summary>
    internal S3Traffic Of(SourceId source) => _sources.GetOrAdd(source, static id => new S3Traffic(id.ToString()));
}
