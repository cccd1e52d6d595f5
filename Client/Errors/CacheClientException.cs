using OrleansCache.Files;

namespace OrleansCache;

/// <summary>
/// Base of what <see cref="CacheClient"/> throws for expected failures. The message is a sentence that says what was tried;
/// <see cref="Advice"/> says what to do, <see cref="Attempts"/> and <see cref="Elapsed"/> what was spent on it.
/// </summary>
public abstract class CacheClientException : IOException
{
    private protected CacheClientException(string message, string advice, Effort effort, Exception? cause)
        : base(message, cause) => (Advice, Attempts, Elapsed) = (advice, effort.Attempts, effort.Elapsed);

    /// <summary>What the person who reads this can do about it.</summary>
    public string Advice { get; }

    /// <summary>How often it was tried; 0 when the answer was known without asking anybody.</summary>
    public int Attempts { get; }

    /// <summary>Time from the first attempt to giving up.</summary>
    public TimeSpan Elapsed { get; }

    /// <summary>The exception that says what a status means for a path.</summary>
    /// <param name="status">How it ended.</param>
    /// <param name="path">Where.</param>
    /// <param name="what">What was tried, such as <c>reading</c>.</param>
    /// <param name="effort">What was spent on it.</param>
    /// <param name="cause">What the cluster said last, if it said something.</param>
    internal static CacheClientException From(
        ReadStatus status, string path, string what, Effort effort = default, CacheClientException? cause = null)
    {
        if (effort.Attempts == 0 && cause is not null)
        {
            effort = new Effort(cause.Attempts, cause.Elapsed);
        }

        return status switch
        {
            ReadStatus.NotFound => new PathNotFoundException(path, effort),
            ReadStatus.NotADirectory => new WrongKindException(path, $"{path} is not a directory", "name a directory", effort),
            ReadStatus.IsADirectory => new WrongKindException(path, $"{path} is a directory", "name a file", effort),
            ReadStatus.AccessDenied when effort.Refusal is { } refusal => new AccessRefusedException(path, what, refusal, effort),
            ReadStatus.AccessDenied or ReadStatus.CapabilityRefused => new AccessRefusedException(path, effort),
            ReadStatus.StaleVersion => new StaleFileException(path, effort),
            ReadStatus.DeadlineExceeded =>
                new CacheTimeoutException(effort.AddTo($"{what} {path} did not end in time"), effort, cause),
            ReadStatus.InvalidRequest or ReadStatus.NotSupported =>
                new WrongKindException(path, $"{what} {path} is not possible", "see `ocache stat` for what it is", effort),
            _ => new ClusterUnreachableException(
                cause is null
                    ? effort.AddTo($"{what} {path} failed: the silo or the under storage cannot be reached")
                    : $"{what} {path} failed: {cause.Message}",
                effort, cause),
        };
    }
}
