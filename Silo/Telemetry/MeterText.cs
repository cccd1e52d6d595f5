using System.Diagnostics.Metrics;

namespace OrleansCache.Silo.Telemetry;

/// <summary>
/// The observable instruments of one meter as metric families: how parts of the product that know nothing of this page put
/// their numbers on it. Thread-safe.
/// </summary>
internal sealed class MeterText : IDisposable
{
    private readonly Lock _gate = new();
    private readonly MeterListener _listener = new();
    private readonly List<(Instrument Instrument, long Value, (string Name, string Value)[] Labels)> _seen = [];

    public MeterText(Meter meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == meter && instrument.IsObservable)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>(Note);
        _listener.Start();
    }

    /// <summary>Appends the values of now.</summary>
    public void WriteTo(PrometheusText text)
    {
        lock (_gate)
        {
            _seen.Clear();
            _listener.RecordObservableInstruments();
            foreach (var family in _seen.GroupBy(seen => seen.Instrument))
            {
                var name = family.Key.Name;
                _ = name.EndsWith("_total", StringComparison.Ordinal)
                    ? text.Counter(name, family.Key.Description ?? name)
                    : text.Gauge(name, family.Key.Description ?? name);
                foreach (var (_, value, labels) in family)
                {
                    text.Value(name, value, labels);
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    // Called on the thread of RecordObservableInstruments, which holds the lock.
    private void Note(
        Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        var labels = new (string, string)[tags.Length];
        for (var at = 0; at < tags.Length; at++)
        {
            labels[at] = (tags[at].Key, tags[at].Value?.ToString() ?? "");
        }

        _seen.Add((instrument, value, labels));
    }
}
