namespace OrleansCache.Fuse.FileSystem;

/// <summary>A counter that many threads add to without fighting for one cache line.</summary>
internal sealed class StripedCounter
{
    private const int Stripes = 16;
    private const int LongsPerLine = 8;

    private readonly long[] _cells = new long[Stripes * LongsPerLine];

    public long Value
    {
        get
        {
            var sum = 0L;
            for (var stripe = 0; stripe < Stripes; stripe++)
            {
                sum += Volatile.Read(ref _cells[stripe * LongsPerLine]);
            }

            return sum;
        }
    }

    public void Add(long amount) =>
        Interlocked.Add(ref _cells[(Environment.CurrentManagedThreadId & (Stripes - 1)) * LongsPerLine], amount);
}
