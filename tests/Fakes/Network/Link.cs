using System.Diagnostics;

namespace OrleansCache.Fakes.Network;

/// <summary>
/// One direction of the wire that all connections share. Every piece takes its time on it, one after the other, so the sum
/// of all connections is exactly the rate, however they share it. Thread-safe.
/// </summary>
internal sealed class Link
{
    private readonly Lock _lock = new();
    private long _free;
    private long _bytes;
    private long? _bytesPerSecond;

    public long Bytes => Interlocked.Read(ref _bytes);

    public long? BytesPerSecond
    {
        get => _bytesPerSecond;
        set
        {
            lock (_lock)
            {
                (_bytesPerSecond, _free) = (value, 0);
            }
        }
    }

    /// <summary>When the last bit of a piece has left, if it was ready at <paramref name="ready"/> (timestamps).</summary>
    public long Send(int bytes, long ready)
    {
        lock (_lock)
        {
            _bytes += bytes;
            if (_bytesPerSecond is not { } rate)
            {
                return ready;
            }

            _free = Math.Max(_free, ready) + (long)((double)bytes * Stopwatch.Frequency / rate);
            return _free;
        }
    }
}
