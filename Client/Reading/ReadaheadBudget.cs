using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace OrleansCache.Reading;

/// <summary>
/// What all readers of the process together may have asked for ahead of need, and what became of it. When it refuses, it
/// takes back what files keep for cursors that nobody uses any more. Thread-safe.
/// </summary>
internal sealed class ReadaheadBudget(long limitBytes, TimeProvider? time = null)
{
    /// <summary>A cursor not used for this long has lost its reader, or its reader does something else.</summary>
    private static readonly TimeSpan IdleAfter = TimeSpan.FromSeconds(5);

    /// <summary>Looking for idle cursors touches every file: not for every refusal.</summary>
    private static readonly TimeSpan SweepPause = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly ConcurrentDictionary<Readahead, bool> _holders = new();
    private long _usedBytes;
    private long _askedBytes;
    private long _unreadBytes;
    private long _nextSweep = long.MinValue;

    /// <summary>Bytes reserved now.</summary>
    public long UsedBytes => Interlocked.Read(ref _usedBytes);

    /// <summary>Bytes asked for ahead of need so far.</summary>
    public long AskedBytes => Interlocked.Read(ref _askedBytes);

    /// <summary>Of those, bytes whose reader never came that far.</summary>
    public long UnreadBytes => Interlocked.Read(ref _unreadBytes);

    /// <summary>Takes a part, or nothing.</summary>
    public bool TryReserve(long bytes)
    {
        if (TryTake(bytes))
        {
            return true;
        }

        Sweep();
        return TryTake(bytes);
    }

    /// <summary>Gives a part back.</summary>
    public void Return(long bytes) => Interlocked.Add(ref _usedBytes, -bytes);

    /// <summary>The file holds a part from now on.</summary>
    public void Enter(Readahead file) => _holders.TryAdd(file, true);

    /// <summary>The file holds nothing any more.</summary>
    public void Leave(Readahead file) => _holders.TryRemove(file, out _);

    /// <summary>Counts what was asked for.</summary>
    public void CountAsked(long bytes) => Interlocked.Add(ref _askedBytes, bytes);

    /// <summary>Counts what was asked for and not read.</summary>
    public void CountUnread(long bytes) => Interlocked.Add(ref _unreadBytes, bytes);

    /// <summary>Shows the counters to whoever listens (docs/METRICS.md).</summary>
    public void Publish(Meter meter)
    {
        meter.CreateObservableCounter("readahead.asked", () => AskedBytes, "By", "Asked for ahead of need.");
        meter.CreateObservableCounter("readahead.unread", () => UnreadBytes, "By", "Of those, what no reader came to.");
        meter.CreateObservableGauge("readahead.reserved", () => UsedBytes, "By", "Held of the budget now.");
    }

    private bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _usedBytes, bytes) <= limitBytes)
        {
            return true;
        }

        Interlocked.Add(ref _usedBytes, -bytes);
        return false;
    }

    private void Sweep()
    {
        var now = _time.GetTimestamp();
        var next = Interlocked.Read(ref _nextSweep);
        if (now < next
            || Interlocked.CompareExchange(ref _nextSweep, now + Ticks(SweepPause), next) != next)
        {
            return;
        }

        foreach (var (file, _) in _holders)
        {
            file.ReturnIdle(now, Ticks(IdleAfter));
        }
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);
}
