namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// How many reads at once are worth it. Grows while the time to the first byte stays what it was and shrinks towards where that
/// is so, which is the "gradient" of Netflix' concurrency-limits (after TCP Vegas, Brakmo and Peterson 1995): more requests at a
/// full pipe only wait longer. When the store says that it is too much the limit falls by three tenths and grows by one a round
/// trip for a while, which is AIMD (Chiu and Jain 1989; RFC 5681). Not thread-safe.
/// </summary>
internal sealed class ConcurrencyLimit
{
    /// <summary>Waiting twice as long as usual is still no queue.</summary>
    private const double Tolerance = 2.0;

    /// <summary>Requests the store may have queued for us: the room in which the limit looks for more.</summary>
    private const double Room = 4;

    private const double Smoothing = 0.2;

    /// <summary>How slowly the usual time follows the last ones.</summary>
    private const double UsualWeight = 1.0 / 300;

    /// <summary>The gradient alone does not go below it: at few requests the times of the first bytes say little.</summary>
    private const int LeastByGradient = 8;

    private const int First = 8;
    private const double AfterThrottle = 0.7;
    private const int AfterOutage = 2;
    private static readonly TimeSpan CarefulFor = TimeSpan.FromSeconds(30);

    private readonly int _most;
    private readonly TimeProvider _time;
    private double _limit;
    private double _usualMs;
    private long? _lessenedAt;

    /// <summary>Makes one.</summary>
    /// <param name="most">Never more.</param>
    /// <param name="time">The clock.</param>
    public ConcurrencyLimit(int most, TimeProvider time)
    {
        _most = most;
        _time = time;
        _limit = Math.Min(First, most);
    }

    /// <summary>The limit of now, at least 1.</summary>
    public int Value => Math.Max(1, (int)_limit);

    /// <summary>A read that succeeded.</summary>
    /// <param name="firstByte">How long its first byte took.</param>
    /// <param name="inFlight">Reads at that time, this one included.</param>
    public void Succeeded(TimeSpan firstByte, int inFlight)
    {
        var ms = Math.Max(0.01, firstByte.TotalMilliseconds);
        _usualMs = _usualMs == 0 ? ms : _usualMs + ((ms - _usualMs) * UsualWeight);
        if (_usualMs > 2 * ms)
        {
            _usualMs *= 0.95; // the usual time comes from a worse hour
        }

        if (inFlight * 2 < _limit)
        {
            return; // the limit limits nothing, so this says nothing about it
        }

        if (_lessenedAt is { } at && _time.GetElapsedTime(at) < CarefulFor)
        {
            _limit = Math.Min(_most, _limit + (1 / _limit));
            return;
        }

        var gradient = Math.Clamp(Tolerance * _usualMs / ms, 0.5, 1);
        var wanted = (_limit * gradient) + Room;
        var least = Math.Min(Math.Min(LeastByGradient, _most), _limit);
        _limit = Math.Clamp((_limit * (1 - Smoothing)) + (wanted * Smoothing), least, _most);
    }

    /// <summary>The store says that it is too much. Those who were under way already when it said so before count once.</summary>
    /// <param name="sentAt">When the refused request was sent.</param>
    public void Throttled(long sentAt)
    {
        if (_lessenedAt is null || sentAt > _lessenedAt)
        {
            _limit = Math.Max(1, _limit * AfterThrottle);
            _lessenedAt = _time.GetTimestamp();
        }
    }

    /// <summary>The store was away: begins again from little.</summary>
    public void Returned() => _limit = Math.Min(_limit, AfterOutage);
}
