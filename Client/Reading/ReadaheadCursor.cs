namespace OrleansCache.Reading;

/// <summary>
/// One sequence of reads in a file and what was asked for ahead of it. Warm reads move <see cref="PositionBytes"/> without a
/// lock: a lost update costs one wrong guess. Everything else is guarded by the lock of its <see cref="Readahead"/>.
/// </summary>
internal sealed class ReadaheadCursor
{
    /// <summary>This near the expected offset is the same sequence: the kernel sends several requests at once, in disorder.</summary>
    public const long NearBytes = 1 << 20;

    /// <summary>Seeks forward by this much may be the same sequence: a record skipped, an index entry followed.</summary>
    public const long SkipBytes = 16 << 20;

    private long _positionBytes;
    private long _refillAtBytes = long.MaxValue;
    private int _uses;

    /// <summary>End of the farthest read.</summary>
    public long PositionBytes => Volatile.Read(ref _positionBytes);

    /// <summary>A read that ends beyond this has used half of the window.</summary>
    public long RefillAtBytes
    {
        get => Volatile.Read(ref _refillAtBytes);
        set => Volatile.Write(ref _refillAtBytes, value);
    }

    /// <summary>Reserved of the budget, 0 while there is nothing to expect.</summary>
    public long WindowBytes { get; set; }

    /// <summary>Asked for up to here.</summary>
    public long AskedUpToBytes { get; set; }

    /// <summary>Reads in sequence so far.</summary>
    public int Hits { get; set; }

    /// <summary>Skips one after the other that made no pattern.</summary>
    public int Skips { get; set; }

    /// <summary>From the end of the read before to the start of the last one.</summary>
    public long LastGapBytes { get; set; }

    /// <summary>When it was last used by a read that waited; the cursor used longest ago makes room.</summary>
    public long LastUsed { get; set; }

    /// <summary>What the sweep for idle cursors saw last, and when.</summary>
    public (int Uses, long At) Seen { get; set; }

    /// <summary>Reads so far, roughly.</summary>
    public int Uses => Volatile.Read(ref _uses);

    /// <summary>How far a read is from where the next one is expected; null when it cannot be of this sequence.</summary>
    public long? DistanceOf(long offsetBytes, long lengthBytes)
    {
        var position = PositionBytes;
        var gap = offsetBytes - position;
        return gap >= -NearBytes - lengthBytes && (gap <= SkipBytes || offsetBytes <= AskedUpToBytes) ? gap : null;
    }

    /// <summary>Notes a read.</summary>
    public void Advance(long endBytes)
    {
        Volatile.Write(ref _uses, _uses + 1);
        if (endBytes > PositionBytes)
        {
            Volatile.Write(ref _positionBytes, endBytes);
        }
    }

    /// <summary>Begins another sequence; its window was given back.</summary>
    public void Restart(long endBytes)
    {
        Volatile.Write(ref _positionBytes, endBytes);
        Volatile.Write(ref _uses, _uses + 1);
        RefillAtBytes = long.MaxValue;
        (AskedUpToBytes, Hits, Skips, LastGapBytes) = (0, 0, 0, 0);
    }
}
