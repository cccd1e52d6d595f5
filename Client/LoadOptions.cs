using System.ComponentModel.DataAnnotations;

namespace OrleansCache;

/// <summary>How a load works.</summary>
public sealed class LoadOptions
{
    /// <summary>Files at a time: enough to hide an under storage's latency, few enough to leave it to others.</summary>
    [Range(1, 64)]
    public int Parallelism { get; init; } = 8;
}

/// <summary>How far a load is. Totals grow while the tree is walked.</summary>
public sealed record LoadProgress
{
    /// <summary>Files found so far.</summary>
    public long FilesFound { get; init; }

    /// <summary>Bytes of those.</summary>
    public long BytesFound { get; init; }

    /// <summary>Whether the whole tree was walked.</summary>
    public bool IsWalkDone { get; init; }

    /// <summary>Files that are done, failed ones too.</summary>
    public long FilesDone { get; init; }

    /// <summary>Bytes known to be cached.</summary>
    public long BytesDone { get; init; }

    /// <summary>Of those, bytes that had to be fetched.</summary>
    public long BytesFetched { get; init; }

    /// <summary>Files that failed.</summary>
    public long FilesFailed { get; init; }
}

/// <summary>How a load ended.</summary>
/// <param name="Path">What was loaded.</param>
/// <param name="Progress">The last numbers.</param>
/// <param name="Failures">What failed, at most <see cref="MaxFailures"/>.</param>
/// <param name="Elapsed">How long it took.</param>
public sealed record LoadResult(
    string Path, LoadProgress Progress, IReadOnlyList<CacheClientException> Failures, TimeSpan Elapsed)
{
    /// <summary>More failures are counted, not kept.</summary>
    public const int MaxFailures = 100;
}
