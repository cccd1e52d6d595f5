using System.Diagnostics.Metrics;
using OrleansCache.DataPlane.Frames;
using OrleansCache.DataPlane.Handshakes;

namespace OrleansCache.DataPlane.Server;

/// <summary>What the block server counts. Totals since start, safe to read at any time.</summary>
public sealed class BlockServerMetrics
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "OrleansCache.DataPlane";

    private readonly long[] _requests = new long[(int)FrameType.LoadReport + 1];
    private readonly long[] _malformed = new long[Enum.GetValues<FrameError>().Length];
    private readonly long[] _refused = new long[Enum.GetValues<HandshakeRefusal>().Length];
    private long _connections;
    private long _busy;
    private long _accepted;
    private long _bytesSent;
    private long _slowReaders;
    private long _serviceFailures;
    private long _capabilitiesRefused;
    private long _readThroughBytes;

    /// <summary>Connections now.</summary>
    public long Connections => Interlocked.Read(ref _connections);

    /// <summary>Connections that have a thread now.</summary>
    public long BusyConnections => Interlocked.Read(ref _busy);

    /// <summary>Connections accepted.</summary>
    public long ConnectionsAccepted => Interlocked.Read(ref _accepted);

    /// <summary>Payload bytes of reads handed to the kernel.</summary>
    public long BytesSent => Interlocked.Read(ref _bytesSent);

    /// <summary>Of <see cref="BytesSent"/>, bytes that went past a full or failed store.</summary>
    public long ReadThroughBytes => Interlocked.Read(ref _readThroughBytes);

    /// <summary>Connections dropped because an answer did not leave in time.</summary>
    public long SlowReadersDropped => Interlocked.Read(ref _slowReaders);

    /// <summary>Requests that failed inside the silo in a way nobody expected.</summary>
    public long ServiceFailures => Interlocked.Read(ref _serviceFailures);

    /// <summary>Capabilities presented that are no right: forged, expired, or not understood.</summary>
    public long CapabilitiesRefused => Interlocked.Read(ref _capabilitiesRefused);

    /// <summary>Requests of a type.</summary>
    public long Requests(FrameType type) => Interlocked.Read(ref _requests[(int)type]);

    /// <summary>Malformed frames of a reason.</summary>
    public long MalformedFrames(FrameError error) => Interlocked.Read(ref _malformed[(int)error]);

    /// <summary>All malformed frames.</summary>
    public long MalformedFramesTotal => Sum(_malformed);

    /// <summary>Refused handshakes of a reason.</summary>
    public long RefusedHandshakes(HandshakeRefusal refusal) => Interlocked.Read(ref _refused[(int)refusal]);

    /// <summary>All refused handshakes.</summary>
    public long RefusedHandshakesTotal => Sum(_refused);

    /// <summary>Offers everything as instruments named <c>ocache_dataplane_*</c>.</summary>
    public void Publish(Meter meter)
    {
        meter.CreateObservableUpDownCounter("ocache_dataplane_connections", () => Connections);
        meter.CreateObservableUpDownCounter("ocache_dataplane_busy_connections", () => BusyConnections);
        meter.CreateObservableCounter("ocache_dataplane_connections_accepted_total", () => ConnectionsAccepted);
        meter.CreateObservableCounter("ocache_dataplane_sent_bytes_total", () => BytesSent, unit: "By");
        meter.CreateObservableCounter("ocache_dataplane_read_through_bytes_total", () => ReadThroughBytes, unit: "By");
        meter.CreateObservableCounter("ocache_dataplane_slow_readers_dropped_total", () => SlowReadersDropped);
        meter.CreateObservableCounter("ocache_dataplane_refused_capabilities_total", () => CapabilitiesRefused);
        meter.CreateObservableCounter("ocache_dataplane_service_failures_total", () => ServiceFailures);
        meter.CreateObservableCounter("ocache_dataplane_requests_total", () => Label<FrameType>(_requests, "type"));
        meter.CreateObservableCounter("ocache_dataplane_malformed_frames_total", () => Label<FrameError>(_malformed, "reason"));
        meter.CreateObservableCounter("ocache_dataplane_refused_handshakes_total", () => Label<HandshakeRefusal>(_refused, "reason"));
    }

    internal void OnAccepted()
    {
        Interlocked.Increment(ref _connections);
        Interlocked.Increment(ref _accepted);
    }

    internal void OnClosed() => Interlocked.Decrement(ref _connections);

    internal void OnBusy(int change) => Interlocked.Add(ref _busy, change);

    internal void OnRequest(FrameType type) => Interlocked.Increment(ref _requests[(int)type]);

    internal void OnMalformed(FrameError error) => Interlocked.Increment(ref _malformed[(int)error]);

    internal void OnRefused(HandshakeRefusal refusal) => Interlocked.Increment(ref _refused[(int)refusal]);

    internal void OnSent(long bytes) => Interlocked.Add(ref _bytesSent, bytes);

    internal void OnReadThrough(long bytes) => Interlocked.Add(ref _readThroughBytes, bytes);

    internal void OnSlowReader() => Interlocked.Increment(ref _slowReaders);

    internal void OnCapabilityRefused() => Interlocked.Increment(ref _capabilitiesRefused);

    internal void OnServiceFailure() => Interlocked.Increment(ref _serviceFailures);

    private static long Sum(long[] counts)
    {
        long sum = 0;
        for (var index = 0; index < counts.Length; index++)
        {
            sum += Interlocked.Read(ref counts[index]);
        }

        return sum;
    }

    private static List<Measurement<long>> Label<TLabel>(long[] counts, string label)
        where TLabel : struct, Enum
    {
        var measurements = new List<Measurement<long>>();
        foreach (var value in Enum.GetValues<TLabel>())
        {
            var count = Interlocked.Read(ref counts[Convert.ToInt32(value, null)]);
            if (count > 0)
            {
                measurements.Add(new Measurement<long>(count, new KeyValuePair<string, object?>(label, value.ToString())));
            }
        }

        return measurements;
    }
}
