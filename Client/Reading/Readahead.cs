namespace OrleansCache.Reading;

/// <summary>
/// Decides for one reader what to ask for ahead of need. A sequential reader gets a window that doubles while it still waits
/// and halves when the process has no budget; a random one gets nothing until it is sequential again. Reads of one
/// sequence may arrive out of order (the kernel sends several at once), so near misses count as sequential. Pure but for
/// the budget; thread-safe.
/// </summary>
internal sealed class Readahead(ReadaheadBudget budget, long maxWindowBytes, int blockSizeBytes, long fileLengthBytes)
    : IDisposable
{
    /// <summary>1 MiB plus the 128 KiB Linux reads ahead by itself: less would make the first big read wait twice.</summary>
    public const long FirstWindowBytes = 1152 * 1024;

    /// <summary>How far from the expected offset still counts as sequential: eight requests of 128 KiB in disorder.</summary>
    public const long SlackBytes = 1 << 20;

    private readonly Lock _gate = new();
    private long _expectedBytes;
    private long _windowBytes;
    private long _askedUpTo;
    private bool _disposed;

    /// <summary>The window now, 0 while reading at random.</summary>
    public long WindowBytes
    {
        get
        {
            lock (_gate)
            {
                return _windowBytes;
            }
        }
    }

    /// <summary>Notes a read that needed no help. No lock: a lost update costs one wrong guess.</summary>
    public void OnWarmRead(long endBytes) => Volatile.Write(ref _expectedBytes, endBytes);

    /// <summary>A read is about to wait: what to have ready for it, and what to ask for beyond.</summary>
    public Plan OnMiss(long offsetBytes, int lengthBytes)
    {
        var end = Math.Min(offsetBytes + lengthBytes, fileLengthBytes);
        lock (_gate)
        {
            var distance = offsetBytes - Volatile.Read(ref _expectedBytes);
            var isSequential = distance is >= -SlackBytes and <= SlackBytes;
            Volatile.Write(ref _expectedBytes, isSequential ? Math.Max(end, _expectedBytes) : end);
            if (!isSequential || _disposed)
            {
                Shrink(0);
                _askedUpTo = 0;
                return new Plan(end, 0, 0);
            }

            if (_windowBytes == 0 && maxWindowBytes >= FirstWindowBytes && budget.TryReserve(FirstWindowBytes))
            {
                _windowBytes = FirstWindowBytes;
            }

            // The silo fills whole blocks: what is left of this one costs nothing more.
            var blockEnd = Math.Min((end + blockSizeBytes - 1) / blockSizeBytes * blockSizeBytes, fileLengthBytes);
            var from = Math.Max(blockEnd, _askedUpTo);
            var upTo = Math.Min(blockEnd + _windowBytes, fileLengthBytes);
            if (_windowBytes == 0 || upTo - from < Math.Min(_windowBytes / 2, fileLengthBytes - from) || upTo <= from)
            {
                return new Plan(blockEnd, 0, 0);
            }

            _askedUpTo = upTo;
            return new Plan(blockEnd, from, upTo - from);
        }
    }

    /// <summary>The read had to wait for the under storage: the window was too small.</summary>
    public void OnWaited()
    {
        lock (_gate)
        {
            if (_windowBytes == 0 || _windowBytes * 2 > maxWindowBytes || _disposed)
            {
                return;
            }

            if (budget.TryReserve(_windowBytes))
            {
                _windowBytes *= 2;
            }
            else
            {
                Shrink(Math.Max(_windowBytes / 2, FirstWindowBytes));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            Shrink(0);
        }
    }

    private void Shrink(long windowBytes)
    {
        budget.Return(_windowBytes - windowBytes);
        _windowBytes = windowBytes;
    }

    /// <summary>What to ask of the silo.</summary>
    /// <param name="EnsureEnd">Up to here now.</param>
    /// <param name="PrefetchFrom">From here ahead of need.</param>
    /// <param name="PrefetchLength">That much; 0 for nothing.</param>
    public readonly record struct Plan(long EnsureEnd, long PrefetchFrom, long PrefetchLength);
}
