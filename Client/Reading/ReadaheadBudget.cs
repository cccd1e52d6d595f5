namespace OrleansCache.Reading;

/// <summary>What all readers of the process together may have asked for ahead of need. Thread-safe.</summary>
internal sealed class ReadaheadBudget(long limitBytes)
{
    private long _usedBytes;

    /// <summary>Bytes reserved now.</summary>
    public long UsedBytes => Interlocked.Read(ref _usedBytes);

    /// <summary>Takes a part, or nothing.</summary>
    public bool TryReserve(long bytes)
    {
        if (Interlocked.Add(ref _usedBytes, bytes) <= limitBytes)
        {
            return true;
        }

        Interlocked.Add(ref _usedBytes, -bytes);
        return false;
    }

    /// <summary>Gives a part back.</summary>
    public void Return(long bytes) => Interlocked.Add(ref _usedBytes, -bytes);
}
