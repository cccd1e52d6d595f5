using OrleansCache.Files;

namespace OrleansCache;

/// <summary>
/// Base of what <see cref="CacheClient"/> throws for expected failures. The message is a sentence that says what was tried;
/// <see cref="Advice"/> says what to do.
/// </summary>
public abstract class CacheClientException : IOException
{
    private protected CacheClientException(string message, string advice, Exception? cause)
        : base(message, cause) => Advice = advice;

    /// <summary>What the person who reads this can do about it.</summary>
    public string Advice { get; }

    /// <summary>The exception that says what a status means for a path.</summary>
    internal static CacheClientException From(ReadStatus status, string path, string what) => status switch
    {
        ReadStatus.NotFound => new PathNotFoundException(path),
        ReadStatus.NotADirectory => new WrongKindException(path, $"{path} is not a directory", "name a directory"),
        ReadStatus.IsADirectory => new WrongKindException(path, $"{path} is a directory", "name a file"),
        ReadStatus.AccessDenied or ReadStatus.CapabilityRefused => new AccessRefusedException(path),
        ReadStatus.StaleVersion => new StaleFileException(path),
        ReadStatus.DeadlineExceeded => new CacheTimeoutException($"{what} {path} did not end in time"),
        ReadStatus.InvalidRequest or ReadStatus.NotSupported =>
            new WrongKindException(path, $"{what} {path} is not possible", "see `ocache stat` for what it is"),
        _ => new ClusterUnreachableException(
            $"{what} {path} failed: the silo or the under storage cannot be reached", null),
    };
}
