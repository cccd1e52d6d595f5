namespace OrleansCache.UnderStorage.S3;

/// <summary>Which queue a request stands in.</summary>
internal enum GateLane
{
    /// <summary>HEAD, LIST and the like: short, and somebody waits in <c>stat</c>.</summary>
    Metadata,

    /// <summary>Contents.</summary>
    Reads,
}

/// <summary>How asking for a pass ended.</summary>
internal enum GateAnswer
{
    /// <summary>Go, and give the pass back.</summary>
    Go,

    /// <summary>Too many wait already.</summary>
    Full,

    /// <summary>The caller waits no longer, or the gate is closed.</summary>
    Cancelled,
}

/// <summary>The right to send one request.</summary>
/// <param name="Answer">Whether it is one.</param>
/// <param name="Lane">Its queue.</param>
/// <param name="SentAt">When it was given.</param>
/// <param name="IsProbe">Whether it finds out if the store is back.</param>
internal readonly record struct GatePass(GateAnswer Answer, GateLane Lane, long SentAt, bool IsProbe);
