namespace OrleansCache.BlockStore.Tests.Faults;

/// <summary>A call of <see cref="Disk.IDiskIo"/>.</summary>
internal enum DiskCall
{
    Open,
    Read,
    Write,
    SetLength,
    PunchHole,
    Unlink,
    Rename,
    Sync,
    SyncFileSystem,
    Writeback,
    FreeBytes,
}

/// <summary>What goes wrong.</summary>
internal enum FaultKind
{
    /// <summary>Nothing happens but the error.</summary>
    Fail,

    /// <summary>A write: the first part is written, then the error. A read: fewer bytes than asked for, no error.</summary>
    Tear,

    /// <summary>It takes a few milliseconds more.</summary>
    Delay,
}

/// <summary>
/// Makes some calls fail. Which of the matching calls is a function of the seed and their number, so a run with one thread
/// repeats exactly, and one with many fails as often and at calls of the same kind.
/// </summary>
/// <param name="Call">The call.</param>
/// <param name="Kind">What goes wrong.</param>
internal sealed record FaultRule(DiskCall Call, FaultKind Kind)
{
    public const int InputOutputError = 5, NoSpace = 28, TooManyFiles = 24;
    private int _matched;

    /// <summary>Only files whose path has this in it.</summary>
    public string Path { get; init; } = string.Empty;

    /// <summary>How many of the matching calls, where <see cref="Nth"/> is 0.</summary>
    public double Probability { get; init; } = 1;

    /// <summary>Only the n-th matching call, counted from 1.</summary>
    public int Nth { get; init; }

    public int Errno { get; init; } = InputOutputError;

    /// <summary>Whether this call is to fail; counts it.</summary>
    public bool Strikes(DiskCall call, string path, int seed)
    {
        if (call != Call || !path.Contains(Path, StringComparison.Ordinal))
        {
            return false;
        }

        var number = Interlocked.Increment(ref _matched);
        return Nth > 0 ? number == Nth : new Random(HashCode(seed, number)).NextDouble() < Probability;
    }

    private static int HashCode(int seed, int number) => unchecked((int)((uint)seed * 2_654_435_761u) ^ (number * 40_503));
}
