using System.Collections.Concurrent;

namespace OrleansCache.Reading;

/// <summary>Deadlines of readers that are done, for those to come: a read from another host's memory makes no garbage. Thread-safe.</summary>
internal sealed class ReadDeadlines(TimeProvider time)
{
    // As many as wait at the same time in a busy process; each is a few hundred bytes.
    private const int MaxKept = 256;

    private readonly ConcurrentQueue<ReadDeadline> _kept = new();

    /// <summary>A deadline that runs; dispose it when the read has ended, once.</summary>
    public ReadDeadline Begin(TimeSpan deadline, CancellationToken caller)
    {
        var next = _kept.TryDequeue(out var kept) ? kept : new ReadDeadline(this, time);
        next.Begin(deadline, caller);
        return next;
    }

    /// <summary>Keeps one that has ended in time; false when there are enough.</summary>
    public bool TryKeep(ReadDeadline deadline)
    {
        if (_kept.Count >= MaxKept)
        {
            return false;
        }

        _kept.Enqueue(deadline);
        return true;
    }
}
