namespace OrleansCache.UnderStorage.S3;

/// <summary>
/// How many reads at once are worth it. Grows while the time to the first byte is about what it is at few requests, and shrinks
/// towards where that is so: beyond a full pipe more requests only wait longer. That is TCP Vegas' idea (Brakmo and Peterson 1995)
/// in the "gradient" form of Netflix' concurrency-limits; once a minute the limit falls to a quarter for a moment to see again
/// what few requests take, as BBR does. When the store says that it is too much the limit falls by three tenths and grows by one a round
/// trip for a while, which is AIMD (Chiu and Jain 1989; RFC 5681). Not thread-safe.
/// </summary>
internal sealed class ConcurrencyLimit
{
    /// <summary>Waiting twice as long as at few requests is still no queue.</summary>
    private const double Tolerance = 2.0;

    /// <summary>Requests the store may have queued for us: the room in which the limit looks for more.</summary>
    private const double Room = 4;

    private const double Smoothing = 0.2;

    /// <summary>Weight of one time in their mean: first bytes of one store differ by a factor of ten among themselves.</summary>
    private const double MeanWeight = 0.05;

    /// <summary>Times that make a mean.</summary>
    private const int TimesForMean = 16;

    /// <summary>The gradient alone does not go below it: at few requests the times of the first bytes say little.</summary>
    private const int LeastByGradient = 8;

    private const int First = 8;
    private const double AfterThrottle = 0.7;
    private const int AfterOutage = 2;
    private static readonly TimeSpan CarefulFor = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookAgainEvery = TimeSpan.FromMinutes(1);

    private readonly int _most;
    private readonly TimeProvider _time;
    private double _limit;
    private double _meanMs;
    private double _leastMs = double.PositiveInfinity;
    private int _times;
    private long _lookedAt;
    private long? _lessenedAt;

    /// <summary>Makes one.</summary>
    /// <param name="most">Never more.</param>
    /// <param name="time">The clock.</param>
    public ConcurrencyLimit(int most, TimeProvider time)
    {
        _most = most;
        _time = time;
        _limit = Math.Min(First, most);
        _lookedAt = time.GetTimestamp();
    }

    /// <summary>The limit of now, at least 1.</summary>
    public int Value => Math.Max(1, (int)_limit);

    /// <summary>A read that succeeded.</summary>
    /// <param name="firstByte">How long its first byte took.</param>
    /// <param name="inFlight">Reads at that time, this one included.</param>
    public void Succeeded(TimeSpan firstByte, int inFlight)
    {
        Observe(Math.Max(0.01, firstByte.TotalMilliseconds));
        if (inFlight * 2 < _limit)
        {
            return; // the limit limits nothing, so this says nothing about it
        }

        if (_lessenedAt is { } at && _time.GetElapsedTime(at) < CarefulFor)
        {
            _limit = Math.Min(_most, _limit + (1 / _limit));
            return;
        }

        if (_times < TimesForMean)
        {
            return; // seeing what few requests take
        }

        var gradient = Math.Clamp(Tolerance * _leastMs / _meanMs, 0.5, 1);
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
    public void Returned()
    {
        _limit = Math.Min(_limit, AfterOutage);
        Forget();
    }

    private void Observe(double ms)
    {
        if (_time.GetElapsedTime(_lookedAt) >= LookAgainEvery)
        {
            Forget();
            _times = -Value; // those under way waited among many
            _limit = Math.Max(Math.Min(_limit, LeastByGradient), _limit / 4); // more than half, and the queue we make would count as usual
        }

        if (++_times <= 0)
        {
            return;
        }

        _meanMs = _times == 1 ? ms : _meanMs + ((ms - _meanMs) * Math.Max(MeanWeight, 1.0 / _times));
        if (_times >= TimesForMean)
        {
            _leastMs = Math.Min(_leastMs, _meanMs);
        }
    }

    private void Forget()
    {
        (_times, _leastMs) = (0, double.PositiveInfinity);
        _lookedAt = _time.GetTimestamp();
    }
}
