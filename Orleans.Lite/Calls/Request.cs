namespace Orleans.Runtime;

/// <summary>Where the answer to a request goes.</summary>
internal interface IReplyTo
{
    void Respond(Request request, Response response);
}

/// <summary>A call on its way to an activation.</summary>
#pragma warning disable CA1001 // The token source has no timer and no handle: nothing to dispose.
internal sealed class Request(long id, GrainId target, MethodCodec codec, Invokable body) : Work
#pragma warning restore CA1001
{
    private CancellationTokenSource? _cancellation;
    private int _cancelled;

    /// <summary>Unique at the caller.</summary>
    public long Id { get; } = id;
    public GrainId Target { get; } = target;
    public MethodCodec Codec { get; } = codec;
    /// <summary>The caller's arguments, or the callee's own copy once a local router took it.</summary>
    public Invokable Body { get; set; } = body;
    public GrainId? Source { get; init; }
    public Dictionary<string, object>? Context { get; init; }
    /// <summary>Time stamp after which nobody waits; 0 for never.</summary>
    public long Deadline { get; set; }
    /// <summary>Null for one-way calls.</summary>
    public IReplyTo? ReplyTo { get; set; }
    /// <summary>How often this was sent on because the activation ended under it.</summary>
    public int Forwards { get; set; }
    public MethodDescriptor Method => Codec.Method;
    public bool IsCancelled => Volatile.Read(ref _cancelled) != 0;
    public override bool IsReadOnly => Method.IsReadOnly;
    public override bool IsAlwaysInterleave => Method.IsAlwaysInterleave;
    public override Invokable? Call => Body;
    public override string Name => Method.DisplayName;

    /// <summary>Gives the callee a token of its own, which <see cref="Cancel"/> cancels.</summary>
    public void OwnCancellation()
    {
        _cancellation = new CancellationTokenSource();
        Body.SetCancellationToken(_cancellation.Token);
    }

    public void Cancel()
    {
        Interlocked.Exchange(ref _cancelled, 1);
        if (_cancellation is { } source)
        {
            // Callbacks are the grain's: they run on the thread pool, not on the connection's thread.
            _ = source.CancelAsync();
        }
    }

    public void Respond(Response response)
    {
        var replyTo = ReplyTo;
        ReplyTo = null;
        replyTo?.Respond(this, response);
    }

    public override void Reject(Exception exception) => Respond(Response.FromException(exception));
    public override Task RunAsync(Activation activation) => activation.Invoker.RunAsync(activation, this);
}
