namespace OrleansCache.BlockStore.Eviction;

/// <summary>
/// For data that is read again and again as a whole, each item once per epoch in any order, as training does. Of a dataset larger
/// than the cache, recency keeps little or nothing; a subset that stays gives its share of hits in every epoch.
/// <para>
/// A run is a time in which hardly any item is used twice (at most 5 % of the bytes). A run that is as long as what the cache
/// holds is a scan: new items then pass through a window of 5 % of the bytes, the rest stays. What goes unused for more than two epochs leaves
/// first, so a changed dataset takes over. Runs of other accesses are short, for popular items return soon: then this is S3-FIFO.
/// </para>
/// </summary>
internal sealed class EpochPolicy(ItemTable table) : IEvictionPolicy
{
    private const int WindowShare = 20; // One in twenty: what is in the window earns no hits, so it is small.
    private const int RepeatShare = 20; // 5 %: several readers of one epoch overlap at its end.
    private const int RepeatSlackShare = 128;
    private const int LooksPerVictim = 4;
    private const uint GhostTicksMax = uint.MaxValue;

    private readonly S3FifoPolicy _fifo = new(table);
    private long _runBytes;
    private long _repeatBytes;
    private uint _runStart = table.Clock;
    private uint _epochTicks;
    private bool _lastRunWasScan;
    private bool _lastRunWasLonger;

    public long Bytes => _fifo.Bytes;

    /// <summary>For tests: how it behaves at present.</summary>
    public bool IsScanning => _lastRunWasScan || (_runBytes >= Bytes && _repeatBytes * RepeatShare <= _runBytes);

    public void Added(uint item)
    {
        _fifo.Ghost.FitTo(_fifo.Small.Count + _fifo.Main.Count);
        ref var record = ref table[item];
        var isBack = _fifo.Ghost.TryTake(record.KeyHash, GhostTicksMax, out var ageTicks);
        ObserveUse(table.BytesOf(item), isBack && ageTicks < table.Clock - _runStart);
        var isScanning = IsScanning;
        (isBack && !isScanning && ageTicks <= ItemTable.Ticks(table.CapacityBytes) ? _fifo.Main : _fifo.Small).Push(item);
        EndRunIfRepeating();
    }

    public bool Touch(uint item)
    {
        if (!table.CountUse(item, out var usedBefore))
        {
            return false;
        }

        ObserveUse(table.BytesOf(item), unchecked((int)(usedBefore - _runStart)) > 0);
        return true;
    }

    public void Resized(uint item, long deltaBytes)
    {
        ObserveUse(Math.Max(0, deltaBytes), isRepeat: false);
        _fifo.Resized(item, deltaBytes);
    }

    public void Removed(uint item) => _fifo.Removed(item);

    public void PickVictims(long bytesWanted, List<uint> victims)
    {
        EndRunIfRepeating();
        var isScanning = IsScanning;
        for (long bytes = 0; bytes < bytesWanted && (isScanning ? TryPickInScan(out var item) : _fifo.TryPick(out item));)
        {
            victims.Add(item);
            bytes += table.BytesOf(item);
        }
    }

    public void Return(uint item, bool first)
    {
        if (IsScanning && first)
        {
            _fifo.Small.PushFirst(item);
        }
        else
        {
            _fifo.Return(item, first);
        }
    }

    public void Extract(ushort source, List<uint> items) => _fifo.Extract(source, items);

    private bool TryPickInScan(out uint item)
    {
        var (window, subset) = (_fifo.Small, _fifo.Main);
        for (var looks = 0; looks < LooksPerVictim && subset.TryPop(out item); looks++)
        {
            if (IsStale(item))
            {
                return true;
            }

            subset.Push(item);
        }

        // What the window has too much joins the subset: at first, and when stale items have left.
        while (window.Count > 1 && window.TryPeek(out var oldest)
            && (window.Bytes - table.BytesOf(oldest)) * WindowShare >= Bytes)
        {
            window.TryPop(out oldest);
            subset.Push(oldest);
        }

        // The newest item is about to be read: it is not given up while there is another.
        if ((window.Count < 2 && subset.TryPop(out item)) || window.TryPop(out item))
        {
            _fifo.Ghost.Add(table[item].KeyHash, table[item].LastUsed);
            return true;
        }

        return false;
    }

    /// <summary>
    /// In random order two uses are up to two epochs apart, told by the clock (bytes added). A sixteenth more is for epochs
    /// that overlap. Before a second epoch has begun nothing is stale.
    /// </summary>
    private bool IsStale(uint item) =>
        _epochTicks > 0 && table.Clock - table[item].LastUsed > (2L * _epochTicks) + (_epochTicks / 16);

    private void ObserveUse(long bytes, bool isRepeat)
    {
        Interlocked.Add(ref _runBytes, bytes);
        if (isRepeat)
        {
            Interlocked.Add(ref _repeatBytes, bytes);
        }
    }

    private void EndRunIfRepeating()
    {
        var (run, repeats) = (Volatile.Read(ref _runBytes), Volatile.Read(ref _repeatBytes));
        if (repeats <= (run / RepeatShare) + (Bytes / RepeatSlackShare))
        {
            return;
        }

        _lastRunWasScan = run >= Bytes / 4 * 3;
        var ticks = _lastRunWasScan ? table.Clock - _runStart : 0;
        // The last epoch of one dataset and the first of the next look like one long run: only a second long one is believed.
        _lastRunWasLonger = !_lastRunWasLonger && _epochTicks > 0 && ticks > _epochTicks + (_epochTicks / 2);
        _epochTicks = _lastRunWasLonger ? _epochTicks : ticks;
        _runStart = table.Clock;
        Interlocked.Exchange(ref _runBytes, repeats); // They were the first uses of the run that now begins.
        Interlocked.Exchange(ref _repeatBytes, 0);
    }
}
