using System.Diagnostics.Metrics;

namespace OrleansCache.UnderStorage.S3;

/// <summary>Kinds of requests, as metrics name them.</summary>
internal enum S3Operation
{
    /// <summary>Attributes of an object.</summary>
    Head,

    /// <summary>A range of an object.</summary>
    Get,

    /// <summary>A page of a listing.</summary>
    List,

    /// <summary>Finding out what the store can do.</summary>
    Probe,
}

/// <summary>What one source asked of its store since the process started. Thread-safe.</summary>
/// <param name="source">The source's id, the label of its metrics.</param>
internal sealed class S3Traffic(string source)
{
    private static readonly string[] Operations = ["head", "get", "list", "probe"];
    private static readonly string[] Outcomes =
    [
        "ok", "not_found", "changed", "denied", "bad_credentials", "throttled", "failed", "unreachable", "refused", "cancelled",
    ];

    private readonly long[] _requests = new long[Operations.Length * Outcomes.Length];
    private readonly KeyValuePair<string, object?> _label = new("source", source);
    private long _retries;
    private long _receivedBytes;
    private long _turnedAway;
    private RequestGate? _gate;

    /// <summary>The gate of the source while it is open.</summary>
    public RequestGate? Gate => Volatile.Read(ref _gate);

    /// <summary>The source was opened.</summary>
    public void Opened(RequestGate gate) => Volatile.Write(ref _gate, gate);

    /// <summary>The source was closed; it may have been opened again already.</summary>
    public void Closed(RequestGate gate) => Interlocked.CompareExchange(ref _gate, null, gate);

    /// <summary>Requests of one kind, however they ended.</summary>
    public long Requests(S3Operation operation)
    {
        var sum = 0L;
        for (var outcome = 0; outcome < Outcomes.Length; outcome++)
        {
            sum += Interlocked.Read(ref _requests[((int)operation * Outcomes.Length) + outcome]);
        }

        return sum;
    }

    /// <summary>Counts a request that ended.</summary>
    public void Count(S3Operation operation, S3Verdict verdict) =>
        Interlocked.Increment(ref _requests[((int)operation * Outcomes.Length) + (int)verdict]);

    /// <summary>Counts a request that is sent again.</summary>
    public void CountRetry() => Interlocked.Increment(ref _retries);

    /// <summary>Counts bytes of contents.</summary>
    public void CountBytes(long bytes) => Interlocked.Add(ref _receivedBytes, bytes);

    /// <summary>Counts a caller who found too many waiting.</summary>
    public void CountTurnedAway() => Interlocked.Increment(ref _turnedAway);

    /// <summary>Requests by kind and outcome: those that happened, and one line of each kind that did not.</summary>
    public IEnumerable<Measurement<long>> AllRequests()
    {
        for (var at = 0; at < _requests.Length; at++)
        {
            var (operation, outcome) = (at / Outcomes.Length, at % Outcomes.Length);
            if (Interlocked.Read(ref _requests[at]) is var count && (count > 0 || outcome == 0))
            {
                yield return new(count, _label, new("op", Operations[operation]), new("outcome", Outcomes[outcome]));
            }
        }
    }

    /// <summary>Requests sent again.</summary>
    public Measurement<long> Retries => new(Interlocked.Read(ref _retries), _label);

    /// <summary>Bytes of contents received.</summary>
    public Measurement<long> ReceivedBytes => new(Interlocked.Read(ref _receivedBytes), _label);

    /// <summary>Callers who found too many waiting.</summary>
    public Measurement<long> TurnedAway => new(Interlocked.Read(ref _turnedAway), _label);

    /// <summary>A number of the gate's.</summary>
    public Measurement<long> OfGate(Func<RequestGate, long> read) => new(Gate is { } gate ? read(gate) : 0, _label);
}
