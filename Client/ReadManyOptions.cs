using System.ComponentModel.DataAnnotations;

namespace OrleansCache;

/// <summary>Bounds of <see cref="CacheClient.ReadManyAsync(IEnumerable{string}, ReadManyOptions, CancellationToken)"/>.</summary>
public sealed class ReadManyOptions
{
    /// <summary>
    /// Longest file that is read; a longer one is its own error. A file is one piece of memory here, so large ones are better opened and
    /// read in pieces.
    /// </summary>
    [Range(0, 1L << 30)]
    public long MaxFileBytes { get; init; } = 64L << 20;

    /// <summary>Names looked up at the same time: enough to hide the round trip, few enough to leave the silo to others.</summary>
    [Range(1, 1024)]
    public int LookupsAtOnce { get; init; } = 64;
}
