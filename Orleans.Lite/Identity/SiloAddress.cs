namespace Orleans.Runtime;

/// <summary>Where a silo is and which life it is in: a restart on the same port has a larger generation.</summary>
public sealed record SiloAddress
{
    private static int _lastGeneration;

    private SiloAddress(IPEndPoint endpoint, int generation) => (Endpoint, Generation) = (endpoint, generation);
    /// <summary>No silo.</summary>
    public static SiloAddress Zero { get; } = new(new IPEndPoint(IPAddress.Any, 0), 0);
    /// <summary>The endpoint.</summary>
    public IPEndPoint Endpoint { get; }
    /// <summary>The life of the silo on that endpoint.</summary>
    public int Generation { get; }
    /// <summary>The address of an endpoint's life.</summary>
    public static SiloAddress New(IPAddress address, int port, int generation) => new(new(address, port), generation);

    /// <summary>Reads <c>ip:port@generation</c>.</summary>
    public static SiloAddress FromParsableString(string value)
    {
        var at = value.LastIndexOf('@');
        return at > 0 && IPEndPoint.TryParse(value.AsSpan(0, at), out var endpoint)
            && int.TryParse(value.AsSpan(at + 1), CultureInfo.InvariantCulture, out var generation)
                ? new SiloAddress(endpoint, generation)
                : throw new FormatException($"'{value}' is not a silo address: expected ip:port@generation.");
    }

    /// <summary>The text that <see cref="FromParsableString"/> reads.</summary>
    public string ToParsableString() => string.Create(CultureInfo.InvariantCulture, $"{Endpoint}@{Generation}");
    /// <summary>Whether this is a later life on the other's endpoint.</summary>
    public bool IsSuccessorOf(SiloAddress other) => Endpoint.Equals(other.Endpoint) && Generation > other.Generation;
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"S{Endpoint}:{Generation}");

    /// <summary>Larger than any before: seconds since 2022, more when one process restarts silos.</summary>
    internal static int NewGeneration(TimeProvider time)
    {
        var seconds = (int)(time.GetUtcNow() - new DateTimeOffset(2022, 1, 1, 0, 0, 0, TimeSpan.Zero)).TotalSeconds;
        while (true)
        {
            var last = Volatile.Read(ref _lastGeneration);
            var next = Math.Max(seconds, last + 1);
            if (Interlocked.CompareExchange(ref _lastGeneration, next, last) == last)
            {
                return next;
            }
        }
    }
}
