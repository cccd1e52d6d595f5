using System.Diagnostics;

namespace OrleansCache.Reading;

/// <summary>
/// Decides for one file, whoever reads it, what to ask for ahead of need. Each sequence of reads has a cursor with a window that
/// doubles while its reader still waits and halves when the process has no budget; half of it used is the time to ask for
/// more. Several sequences at once (threads, handles, interleaved or striding) have a cursor each. A file read at random gets
/// nothing until a sequence shows. Thread-safe; <see cref="OnWarmRead"/> takes no lock and allocates nothing.
/// </summary>
internal sealed class Readahead(ReadaheadBudget budget, long maxWindowBytes, int blockSizeBytes, long fileLengthBytes)
{
    /// <summary>1 MiB plus the 128 KiB Linux reads ahead by itself: less would make the first big read wait twice.</summary>
    public const long FirstWindowBytes = 1152 * 1024;

    /// <summary>Sequences told apart: the loader threads of one training process. A ninth takes the place used longest ago.</summary>
    public const int CursorsMax = 8;

    /// <summary>Far seeks one after the other that make a reader a random one: a header, an index and a trailer are three.</summary>
    public const int FarSeeksMax = 4;

    private readonly Lock _gate = new();
    private ReadaheadCursor?[]? _cursors;
    private long _warmEndBytes;
    private long _uses;
    private int _farSeeks;
    private bool _isRandom;
    private bool _isClosed;

    /// <summary>All windows together.</summary>
    public long WindowBytes
    {
        get
        {
            lock (_gate)
            {
                return _cursors?.Sum(static cursor => cursor?.WindowBytes ?? 0) ?? 0;
            }
        }
    }

    /// <summary>Windows now, for tests.</summary>
    public long[] Windows
    {
        get
        {
            lock (_gate)
            {
                return [.. (_cursors ?? []).Where(cursor => cursor is { WindowBytes: > 0 }).Select(cursor => cursor!.WindowBytes)];
            }
        }
    }

    /// <summary>Notes a read that needed no help.</summary>
    /// <returns>Whether half of a window is used: <see cref="TryRefill"/> then says what to ask for.</returns>
    public bool OnWarmRead(long offsetBytes, int lengthBytes)
    {
        var end = offsetBytes + lengthBytes;
        Volatile.Write(ref _warmEndBytes, end);
        if (Nearest(offsetBytes, lengthBytes, out _) is not { } cursor)
        {
            return false;
        }

        cursor.Advance(end);
        return end > cursor.RefillAtBytes;
    }

    /// <summary>What to ask for now that a warm read has used half of a window.</summary>
    public bool TryRefill(long offsetBytes, int lengthBytes, out Plan plan)
    {
        lock (_gate)
        {
            plan = default;
            if (_isClosed || Nearest(offsetBytes, lengthBytes, out _) is not { WindowBytes: > 0 } cursor)
            {
                return false;
            }

            cursor.LastUsed = ++_uses;
            plan = MakePlan(cursor, Math.Min(offsetBytes + lengthBytes, fileLengthBytes));
            return plan.PrefetchLength > 0;
        }
    }

    /// <summary>A read is about to wait: what to have ready for it, and what to ask for beyond.</summary>
    public Plan OnMiss(long offsetBytes, int lengthBytes)
    {
        var end = Math.Min(offsetBytes + lengthBytes, fileLengthBytes);
        lock (_gate)
        {
            if (_isClosed)
            {
                return new Plan(end, 0, 0, null);
            }

            var cursor = Nearest(offsetBytes, lengthBytes, out var gap) ?? Begin(offsetBytes, end, out gap);
            var isSequence = IsSequence(cursor, gap, lengthBytes);
            cursor.LastUsed = ++_uses;
            cursor.LastGapBytes = gap;
            cursor.Advance(end);
            if (isSequence)
            {
                NoteSequence(cursor);
            }
            else
            {
                NoteFarSeek(cursor);
            }

            return isSequence || cursor.WindowBytes > 0 ? MakePlan(cursor, end) : new Plan(end, 0, 0, cursor);
        }
    }

    /// <summary>The read of a plan had to wait for the under storage: the window was too small.</summary>
    public void OnWaited(in Plan plan)
    {
        if (plan.Cursor is not { } cursor)
        {
            return;
        }

        lock (_gate)
        {
            var wanted = Math.Min(cursor.WindowBytes * 2, maxWindowBytes);
            if (_isClosed || wanted <= cursor.WindowBytes)
            {
                return;
            }

            if (budget.TryReserve(wanted - cursor.WindowBytes))
            {
                cursor.WindowBytes = wanted;
            }
            else
            {
                Shrink(cursor, Math.Max(cursor.WindowBytes / 2, FirstWindowBytes));
            }
        }
    }

    /// <summary>Somebody reads the file, for the first time or again.</summary>
    public void Open()
    {
        lock (_gate)
        {
            _isClosed = false;
        }
    }

    /// <summary>Nobody reads the file any more: the budget has everything back.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            GiveUp();
            _cursors = null;
            (_isRandom, _farSeeks, _warmEndBytes) = (false, 0, 0);
            budget.Leave(this);
        }
    }

    /// <summary>Gives back the windows of cursors that nobody has used since the look before, if that is long enough ago.</summary>
    public void ReturnIdle(long now, long idleTicks)
    {
        // Never waited for: whoever sweeps may hold the lock of another file.
        if (!_gate.TryEnter())
        {
            return;
        }

        try
        {
            foreach (var cursor in _cursors ?? [])
            {
                if (cursor is not { WindowBytes: > 0 })
                {
                    continue;
                }

                if (cursor.Seen.At == 0 || cursor.Seen.Uses != cursor.Uses)
                {
                    cursor.Seen = (cursor.Uses, now);
                }
                else if (now - cursor.Seen.At >= idleTicks)
                {
                    Retire(cursor);
                }
            }
        }
        finally
        {
            _gate.Exit();
        }
    }

    private ReadaheadCursor? Nearest(long offsetBytes, long lengthBytes, out long gapBytes)
    {
        gapBytes = 0;
        ReadaheadCursor? nearest = null;
        foreach (var cursor in Volatile.Read(ref _cursors) ?? [])
        {
            if (cursor?.DistanceOf(offsetBytes, lengthBytes) is { } gap && (nearest is null || Math.Abs(gap) < Math.Abs(gapBytes)))
            {
                (nearest, gapBytes) = (cursor, gap);
            }
        }

        return nearest;
    }

    /// <summary>A cursor for a new sequence. At the start of the file, and where warm reads have led to, it is one from the start.</summary>
    private ReadaheadCursor Begin(long offsetBytes, long endBytes, out long gapBytes)
    {
        var warmEnd = Volatile.Read(ref _warmEndBytes);
        gapBytes = offsetBytes - (Math.Abs(offsetBytes - warmEnd) <= ReadaheadCursor.NearBytes ? warmEnd : 0);
        var cursors = _cursors ?? new ReadaheadCursor?[CursorsMax];
        var place = 0;
        for (var i = 0; i < cursors.Length; i++)
        {
            if (cursors[i] is not { } one)
            {
                place = i;
                break;
            }

            place = one.LastUsed < cursors[place]!.LastUsed ? i : place;
        }

        if (cursors[place] is { } oldest)
        {
            Retire(oldest);
        }

        var cursor = cursors[place] ?? new ReadaheadCursor();
        cursor.Restart(endBytes);
        Volatile.Write(ref cursors[place], cursor);
        Volatile.Write(ref _cursors, cursors);
        return cursor;
    }

    /// <summary>Near where it is expected, or as far from there as the time before.</summary>
    private static bool IsSequence(ReadaheadCursor cursor, long gapBytes, long lengthBytes) =>
        (gapBytes >= -ReadaheadCursor.NearBytes - lengthBytes && gapBytes <= ReadaheadCursor.NearBytes)
        || (gapBytes == cursor.LastGapBytes && gapBytes <= ReadaheadCursor.SkipBytes);

    private void NoteSequence(ReadaheadCursor cursor)
    {
        cursor.Hits++;
        (cursor.Skips, _farSeeks) = (0, 0);
        if (_isRandom && cursor.Hits < 2)
        {
            return;
        }

        _isRandom = false;
        if (cursor.WindowBytes == 0 && maxWindowBytes >= FirstWindowBytes && budget.TryReserve(FirstWindowBytes))
        {
            cursor.WindowBytes = FirstWindowBytes;
            budget.Enter(this);
        }
    }

    private void NoteFarSeek(ReadaheadCursor cursor)
    {
        cursor.Hits = 0;
        if (++cursor.Skips >= FarSeeksMax)
        {
            Retire(cursor);
        }

        if (++_farSeeks >= FarSeeksMax)
        {
            _isRandom = true;
            GiveUp();
        }
    }

    private Plan MakePlan(ReadaheadCursor cursor, long endBytes)
    {
        // The silo fills whole blocks: what is left of this one costs nothing more.
        var blockEnd = BlockEnd(endBytes);
        var from = Math.Max(blockEnd, cursor.AskedUpToBytes);
        var upTo = BlockEnd(Math.Min(blockEnd + cursor.WindowBytes, fileLengthBytes));
        if (cursor.WindowBytes == 0 || upTo <= from || upTo - from < Math.Min(cursor.WindowBytes / 2, fileLengthBytes - from))
        {
            SetRefill(cursor);
            return new Plan(blockEnd, 0, 0, cursor);
        }

        cursor.AskedUpToBytes = upTo;
        SetRefill(cursor);
        budget.CountAsked(upTo - from);
        return new Plan(blockEnd, from, upTo - from, cursor);
    }

    private void SetRefill(ReadaheadCursor cursor) =>
        cursor.RefillAtBytes = cursor.WindowBytes == 0 || cursor.AskedUpToBytes >= fileLengthBytes
            ? long.MaxValue
            : cursor.AskedUpToBytes - (cursor.WindowBytes / 2);

    private long BlockEnd(long offsetBytes) =>
        Math.Min((offsetBytes + blockSizeBytes - 1) / blockSizeBytes * blockSizeBytes, fileLengthBytes);

    private void GiveUp()
    {
        foreach (var cursor in _cursors ?? [])
        {
            if (cursor is not null)
            {
                Retire(cursor);
            }
        }
    }

    private void Retire(ReadaheadCursor cursor)
    {
        budget.CountUnread(Math.Max(0, cursor.AskedUpToBytes - BlockEnd(cursor.PositionBytes)));
        Shrink(cursor, 0);
        cursor.RefillAtBytes = long.MaxValue;
        (cursor.AskedUpToBytes, cursor.Hits, cursor.Seen) = (0, 0, default);
    }

    private void Shrink(ReadaheadCursor cursor, long windowBytes)
    {
        Debug.Assert(windowBytes <= cursor.WindowBytes, "a window shrinks");
        budget.Return(cursor.WindowBytes - windowBytes);
        cursor.WindowBytes = windowBytes;
    }

    /// <summary>What to ask of the silo.</summary>
    /// <param name="EnsureEnd">Up to here now.</param>
    /// <param name="PrefetchFrom">From here ahead of need.</param>
    /// <param name="PrefetchLength">That much; 0 for nothing.</param>
    /// <param name="Cursor">Whose plan it is.</param>
    public readonly record struct Plan(long EnsureEnd, long PrefetchFrom, long PrefetchLength, ReadaheadCursor? Cursor);
}
