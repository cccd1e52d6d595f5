using System.Diagnostics.Metrics;

namespace Orleans.Runtime;

/// <summary>The engine's metrics, under the names Orleans uses where it has them.</summary>
internal sealed class EngineInstruments
{
    private readonly Meter _meter;
    private readonly Counter<long> _created;
    private readonly Counter<long> _requests;
    private readonly Counter<long> _rejected;
    private readonly Counter<long> _expired;
    private readonly Counter<long> _closed;
    private readonly UpDownCounter<long> _clients;

    public EngineInstruments(IMeterFactory meters)
    {
        _meter = meters.Create("Microsoft.Orleans");
        _created = _meter.CreateCounter<long>("orleans-catalog-activation-created");
        _requests = _meter.CreateCounter<long>("orleans-app-requests");
        _rejected = _meter.CreateCounter<long>("orleans-messaging-rejected");
        _expired = _meter.CreateCounter<long>("orleans-messaging-expired");
        _closed = _meter.CreateCounter<long>("orleans-gateway-connections-refused");
        _clients = _meter.CreateUpDownCounter<long>("orleans-gateway-connected-clients");
    }

    public void ObserveActivations(Func<int> count) =>
        _meter.CreateObservableGauge("orleans-catalog-activations", count);

    public void ActivationCreated() => _created.Add(1);

    public void Ran() => _requests.Add(1);

    public void Rejected() => _rejected.Add(1);

    public void Expired() => _expired.Add(1);

    public void ClientConnected() => _clients.Add(1);

    public void ClientGone() => _clients.Add(-1);

    /// <summary>A peer was closed for its bad manners.</summary>
    public void ClosedBadPeer(string kind) => _closed.Add(1, new KeyValuePair<string, object?>("reason", kind));
}
