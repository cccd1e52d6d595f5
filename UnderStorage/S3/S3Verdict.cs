namespace OrleansCache.UnderStorage.S3;

/// <summary>What the end of one attempt means for what comes next.</summary>
internal enum S3Verdict
{
    /// <summary>Done.</summary>
    Ok,

    /// <summary>There is no such object or bucket.</summary>
    NotFound,

    /// <summary>The object is another one than asked for.</summary>
    Changed,

    /// <summary>We may not.</summary>
    Denied,

    /// <summary>The store does not accept who we say we are, or when: nothing about the object.</summary>
    BadCredentials,

    /// <summary>Too much at once: less, later.</summary>
    Throttled,

    /// <summary>It failed in a way that passes.</summary>
    Failed,

    /// <summary>No connection, no answer, or one that broke off: the store may be down.</summary>
    Unreachable,

    /// <summary>The store will never answer this: a wrong region, a header it does not know, an archived object.</summary>
    Refused,

    /// <summary>The caller waits no longer.</summary>
    Cancelled,
}
