namespace OrleansCache.Fakes.S3;

/// <summary>
/// What a store does wrong, on which requests, how often. Several may fit one request: their delays add up, the rest is
/// the union. Given to <see cref="FakeS3.Misbehave"/>; disposing what that returns ends it and frees hanging requests.
/// </summary>
public sealed record Misbehaviour
{
    /// <summary>Which requests; all by default.</summary>
    public Func<LoggedRequest, bool> When { get; init; } = _ => true;

    /// <summary>How many requests; null: until cleared.</summary>
    public int? Times { get; init; }

    /// <summary>Waits so long before the first byte of the answer.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Sends the body no faster than this, for each request.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>Answers this status instead of doing anything.</summary>
    public int? Status { get; init; }

    /// <summary>The error code beside <see cref="Status"/>; by default the usual one of the status.</summary>
    public string? Code { get; init; }

    /// <summary>Never answers: until cleared, the client leaves or the store stops. Then the connection is closed.</summary>
    public bool Hang { get; init; }

    /// <summary>Closes the connection without an answer.</summary>
    public bool Close { get; init; }

    /// <summary>Announces the whole body, sends so many bytes of it and closes the connection.</summary>
    public long? TruncateAfter { get; init; }

    /// <summary>Sends so many bytes of the body and then hangs.</summary>
    public long? HangAfter { get; init; }

    /// <summary>Ignores If-Match and its kin: the current version is returned, with its own ETag.</summary>
    public bool IgnoreConditions { get; init; }

    /// <summary>Answers with the version before the current one, as a store that is not yet consistent.</summary>
    public bool ServePrevious { get; init; }

    /// <summary>Runs in the middle of the body of a GET, after <see cref="MidReadAfter"/> bytes of it were sent.</summary>
    public Action? MidRead { get; init; }

    /// <summary>Where <see cref="MidRead"/> runs.</summary>
    public long MidReadAfter { get; init; }

    /// <summary>After <see cref="MidRead"/> goes on with the bytes of what is then current: a store that mixes versions.</summary>
    public bool MixVersions { get; init; }

    /// <summary>Tells a Content-Range one byte beside the truth; with a whole object, one at all.</summary>
    public bool WrongContentRange { get; init; }

    /// <summary>Sends this as the body instead, with 200 and the type of XML.</summary>
    public string? Garbage { get; init; }

    /// <summary>Requests of these operations.</summary>
    public static Func<LoggedRequest, bool> On(params IReadOnlyCollection<S3Operation> operations) =>
        request => operations.Contains(request.Operation);

    /// <summary>Requests of one operation on one key.</summary>
    public static Func<LoggedRequest, bool> On(S3Operation operation, string key) =>
        request => request.Operation == operation && request.Key == key;

    internal string CodeOfStatus => Code ?? Status switch
    {
        400 => "InvalidRequest",
        403 => "AccessDenied",
        404 => "NoSuchKey",
        412 => "PreconditionFailed",
        416 => "InvalidRange",
        429 => "TooManyRequests",
        503 => "SlowDown",
        _ => "InternalError",
    };
}

/// <summary>The misbehaviours that are active. Thread-safe.</summary>
internal sealed class MisbehaviourList
{
    private readonly Lock _lock = new();
    private readonly List<Active> _active = [];

    public IDisposable Add(Misbehaviour what)
    {
        var active = new Active(this, what);
        lock (_lock)
        {
            _active.Add(active);
        }

        return active;
    }

    public void Clear()
    {
        Active[] all;
        lock (_lock)
        {
            all = [.. _active];
        }

        foreach (var one in all)
        {
            one.Dispose();
        }
    }

    /// <summary>What a request meets, or null.</summary>
    public Trouble? Meet(LoggedRequest request)
    {
        lock (_lock)
        {
            List<Active>? met = null;
            for (var i = _active.Count - 1; i >= 0; i--)
            {
                if (_active[i].What.When(request))
                {
                    (met ??= []).Add(_active[i]);
                    if (--_active[i].Left == 0)
                    {
                        _active.RemoveAt(i); // Not disposed: who hangs on it goes on hanging.
                    }
                }
            }

            return met is null ? null : new Trouble([.. met.Select(one => one.What)], [.. met.Select(one => one.Ended)]);
        }
    }

    private sealed class Active(MisbehaviourList owner, Misbehaviour what) : IDisposable
    {
        private readonly CancellationTokenSource _ended = new();

        public Misbehaviour What => what;

        public int Left { get; set; } = what.Times ?? -1;

        public CancellationToken Ended => _ended.Token;

        public void Dispose()
        {
            lock (owner._lock)
            {
                owner._active.Remove(this);
            }

            _ended.Cancel();
        }
    }
}

/// <summary>The misbehaviours one request met, added up.</summary>
internal sealed class Trouble(IReadOnlyList<Misbehaviour> all, IReadOnlyList<CancellationToken> ended)
{
    public TimeSpan Delay { get; } = all.Aggregate(TimeSpan.Zero, (sum, one) => sum + one.Delay);

    public long? BytesPerSecond { get; } = all.Min(one => one.BytesPerSecond);

    public Misbehaviour? Answer { get; } = all.FirstOrDefault(one => one.Status is not null);

    public bool Hang { get; } = all.Any(one => one.Hang);

    public bool Close { get; } = all.Any(one => one.Close);

    public long? TruncateAfter { get; } = all.Min(one => one.TruncateAfter);

    public long? HangAfter { get; } = all.Min(one => one.HangAfter);

    public bool IgnoreConditions { get; } = all.Any(one => one.IgnoreConditions);

    public bool ServePrevious { get; } = all.Any(one => one.ServePrevious);

    public Misbehaviour? MidRead { get; } = all.FirstOrDefault(one => one.MidRead is not null);

    public bool WrongContentRange { get; } = all.Any(one => one.WrongContentRange);

    public string? Garbage { get; } = all.FirstOrDefault(one => one.Garbage is not null)?.Garbage;

    /// <summary>Waits until one of them is cleared.</summary>
    public async Task HangAsync(CancellationToken cancellationToken)
    {
        using var any = CancellationTokenSource.CreateLinkedTokenSource([cancellationToken, .. ended]);
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, any.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
