namespace OrleansCache.Fakes.S3;

/// <summary>One request as the store saw it.</summary>
public sealed record LoggedRequest
{
    /// <summary>When it arrived, as <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public required long Timestamp { get; init; }

    /// <summary>What it asked for.</summary>
    public required S3Operation Operation { get; init; }

    /// <summary>Bucket.</summary>
    public required string Bucket { get; init; }

    /// <summary>Key; for a listing its prefix.</summary>
    public required string Key { get; init; }

    /// <summary>The Range header, or null.</summary>
    public string? Range { get; init; }

    /// <summary>The If-Match header, or null.</summary>
    public string? IfMatch { get; init; }

    /// <summary>The user agent, or null.</summary>
    public string? UserAgent { get; init; }

    /// <summary>Status sent; 0 until then, or when the connection was cut before.</summary>
    public int Status { get; internal set; }

    /// <summary>Body bytes received.</summary>
    public long BytesReceived { get; internal set; }

    /// <summary>Body bytes given to the connection.</summary>
    public long BytesSent { get; internal set; }
}

/// <summary>Every request since the start or the last reset. Thread-safe; bounded, the counters go on after the bound.</summary>
public sealed class RequestLog
{
    private const int MaxKept = 1_000_000; // A record is about 150 bytes; no test needs more, and none shall eat the machine.
    private readonly Lock _lock = new();
    private readonly List<LoggedRequest> _kept = [];
    private readonly long[] _counts = new long[Enum.GetValues<S3Operation>().Length];
    private int _inFlight;
    private int _maxInFlight;

    /// <summary>A copy of all kept requests in order of arrival.</summary>
    public IReadOnlyList<LoggedRequest> Requests
    {
        get
        {
            lock (_lock)
            {
                return [.. _kept];
            }
        }
    }

    /// <summary>Number of requests of all operations.</summary>
    public long Total
    {
        get
        {
            lock (_lock)
            {
                return _counts.Sum();
            }
        }
    }

    /// <summary>Body bytes sent by all kept requests.</summary>
    public long BytesSent => Requests.Sum(request => request.BytesSent);

    /// <summary>Requests not yet answered.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Most requests that were under way at one time since the reset.</summary>
    public int MaxInFlight => Volatile.Read(ref _maxInFlight);

    /// <summary>Number of requests of one operation.</summary>
    public long Count(S3Operation operation)
    {
        lock (_lock)
        {
            return _counts[(int)operation];
        }
    }

    /// <summary>Number of kept requests that fit.</summary>
    public int Count(Func<LoggedRequest, bool> fits) => Requests.Count(fits);

    /// <summary>Forgets all.</summary>
    public void Reset()
    {
        lock (_lock)
        {
            _kept.Clear();
            Array.Clear(_counts);
            _maxInFlight = _inFlight;
        }
    }

    internal void Begin(LoggedRequest request)
    {
        lock (_lock)
        {
            _counts[(int)request.Operation]++;
            _maxInFlight = Math.Max(_maxInFlight, ++_inFlight);
            if (_kept.Count < MaxKept)
            {
                _kept.Add(request);
            }
        }
    }

    internal void End()
    {
        lock (_lock)
        {
            _inFlight--;
        }
    }
}
