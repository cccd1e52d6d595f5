using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text;

namespace Orleans.Runtime;

#pragma warning disable CA1036 // Identities are sorted, not compared with operators.

/// <summary>Where a silo is and which life it is in: a restart on the same port has a larger generation.</summary>
public sealed class SiloAddress : IEquatable<SiloAddress>, IComparable<SiloAddress>
{
    private static int _lastGeneration;

    private SiloAddress(IPEndPoint endpoint, int generation)
    {
        Endpoint = endpoint;
        Generation = generation;
    }

    /// <summary>No silo.</summary>
    public static SiloAddress Zero { get; } = new(new IPEndPoint(IPAddress.Any, 0), 0);

    /// <summary>The endpoint.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>The life of the silo on that endpoint.</summary>
    public int Generation { get; }

    /// <summary>Whether this is a client's pseudo address.</summary>
    public bool IsClient => Generation < 0;

    /// <summary>The address of an endpoint's life.</summary>
    public static SiloAddress New(IPEndPoint endpoint, int generation) => new(endpoint, generation);

    /// <summary>The address of an endpoint's life.</summary>
    public static SiloAddress New(IPAddress address, int port, int generation) => new(new(address, port), generation);

    /// <summary>Reads <c>ip:port@generation</c>.</summary>
    public static SiloAddress FromParsableString(string value) => TryParse(value, out var result)
        ? result
        : throw new FormatException($"'{value}' is not a silo address: expected ip:port@generation.");

    /// <summary>Reads <c>ip:port@generation</c>.</summary>
    public static bool TryParse(string? value, [NotNullWhen(true)] out SiloAddress? result)
    {
        var at = value?.LastIndexOf('@') ?? -1;
        if (at > 0 && IPEndPoint.TryParse(value.AsSpan(0, at), out var endpoint)
            && int.TryParse(value.AsSpan(at + 1), CultureInfo.InvariantCulture, out var generation))
        {
            result = new SiloAddress(endpoint, generation);
            return true;
        }

        result = null;
        return false;
    }

    /// <summary>The text that <see cref="FromParsableString"/> reads.</summary>
    public string ToParsableString() => string.Create(CultureInfo.InvariantCulture, $"{Endpoint}@{Generation}");

    /// <summary>A hash that is the same in every process.</summary>
    public int GetConsistentHashCode() => (int)StableHash.Of32(Encoding.UTF8.GetBytes(ToParsableString()));

    /// <summary>Whether this is a later life on the other's endpoint.</summary>
    public bool IsSuccessorOf(SiloAddress other) => Endpoint.Equals(other.Endpoint) && Generation > other.Generation;

    /// <summary>Whether this is an earlier life on the other's endpoint.</summary>
    public bool IsPredecessorOf(SiloAddress other) => other.IsSuccessorOf(this);

    /// <inheritdoc/>
    public bool Equals(SiloAddress? other) =>
        other is not null && Generation == other.Generation && Endpoint.Equals(other.Endpoint);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as SiloAddress);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Endpoint, Generation);

    /// <inheritdoc/>
    public int CompareTo(SiloAddress? other) =>
        string.CompareOrdinal(ToParsableString(), other?.ToParsableString());

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"S{Endpoint}:{Generation}");

    /// <summary>Equality by endpoint and generation.</summary>
    public static bool operator ==(SiloAddress? left, SiloAddress? right) =>
        left is null ? right is null : left.Equals(right);

    /// <summary>Inequality by endpoint or generation.</summary>
    public static bool operator !=(SiloAddress? left, SiloAddress? right) => !(left == right);

    /// <summary>
    /// A generation larger than any before: seconds since 2022, pushed on when one process restarts silos fast.
    /// </summary>
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
