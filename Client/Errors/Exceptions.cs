namespace OrleansCache;

/// <summary>The cluster, a silo or the under storage cannot be reached.</summary>
public sealed class ClusterUnreachableException : CacheClientException
{
    private const string Check =
        "check that the silo runs (curl http://HOST:30080/readyz) and that the client's cluster (--cluster) is its gateway";

    internal ClusterUnreachableException(string message, Effort effort, Exception? cause)
        : base(message, Check, effort, cause)
    {
    }
}

/// <summary>There is nothing at a path.</summary>
public sealed class PathNotFoundException : CacheClientException
{
    internal PathNotFoundException(string path, Effort effort)
        : base(
            $"there is nothing at {path}", "list what is there with `ocache ls`, or the sources with `ocache sources`", effort, null) =>
        Path = path;

    /// <summary>The path.</summary>
    public string Path { get; }
}

/// <summary>A path is something else than the operation needs, or not a path at all.</summary>
public sealed class WrongKindException : CacheClientException
{
    internal WrongKindException(string path, string message, string advice, Effort effort = default)
        : base(message, advice, effort, null) => Path = path;

    /// <summary>The path.</summary>
    public string Path { get; }
}

/// <summary>The under storage refuses the silo, or the silo refuses this client; the message says which.</summary>
public sealed class AccessRefusedException : CacheClientException
{
    internal AccessRefusedException(string path, string what, string refusal, Effort effort)
        : base(
            effort.AddTo($"{what} {path} failed: {refusal.TrimEnd('.')}"),
            "compare the client's ClusterId, ClusterSecretFile, TlsCaFile and TlsServerName with what the silo was started with",
            effort,
            null) =>
        Path = path;

    internal AccessRefusedException(string path, Effort effort)
        : base($"access to {path} is denied by the under storage", "give the silo's user the right to read it", effort, null) =>
        Path = path;

    /// <summary>The path.</summary>
    public string Path { get; }
}

/// <summary>The version that was opened is gone from the under storage and not wholly cached.</summary>
public sealed class StaleFileException : CacheClientException
{
    internal StaleFileException(string path, Effort effort)
        : base($"{path} was replaced while it was read", "open it again for its present version", effort, null) => Path = path;

    /// <summary>The path.</summary>
    public string Path { get; }
}

/// <summary>No answer within a deadline.</summary>
public sealed class CacheTimeoutException : CacheClientException
{
    internal CacheTimeoutException(string message, Effort effort, Exception? cause = null)
        : base(message, "look at `ocache status` and the silo's log, or allow more time", effort, cause)
    {
    }
}
