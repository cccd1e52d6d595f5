namespace OrleansCache;

/// <summary>The failures of one start: of <see cref="CacheClient.ConnectAsync"/>, or of a host that has the client.</summary>
internal sealed class ConnectFailures(CacheClientOptions options)
{
    // A host may be built long before it starts: its time begins with its first failure.
    private long? _started;
    private int _count;
    private Exception? _last;

    private TimeSpan Elapsed => _started is { } started ? options.TimeProvider.GetElapsedTime(started) : TimeSpan.Zero;

    /// <summary>Time begins now.</summary>
    public void Start() => _started = options.TimeProvider.GetTimestamp();

    /// <summary>One more.</summary>
    /// <returns>The time since the start.</returns>
    public TimeSpan Add(Exception failure)
    {
        (_last, _count) = (failure, _count + 1);
        _started ??= options.TimeProvider.GetTimestamp();
        return Elapsed;
    }

    /// <summary>What to throw in the end.</summary>
    public ClusterUnreachableException GiveUp(Exception? failure)
    {
        var effort = new Effort(Math.Max(_count, 1), Elapsed);
        var cause = failure ?? _last;
        return new ClusterUnreachableException(
            $"cannot connect to the cluster at {options.Cluster}: {effort}"
            + (cause is null ? string.Empty : $"; {cause.Message.TrimEnd('.')}"),
            effort,
            cause);
    }
}
