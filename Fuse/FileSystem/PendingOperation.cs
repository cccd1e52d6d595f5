using OrleansCache.Fuse.Session;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>
/// One operation that may outlive the call it came by. Exactly one side answers: the work, the deadline (EIO, never
/// EAGAIN) or, through the session, the interrupt (EINTR); the last two also cancel the work. The work may end later
/// than its answer.
/// </summary>
internal sealed class PendingOperation : IDisposable
{
    // Never disposed: it has no timer and no wait handle, and a late deadline may still cancel it.
    private readonly CancellationTokenSource _cancellation = new();
    private CancellationTokenRegistration _interrupt;
    private ITimer? _deadline;
    private FuseReplyToken _token;
    private int _answered;

    /// <summary>Fires when nobody waits for the work any more.</summary>
    public CancellationToken Cancellation => _cancellation.Token;

    /// <summary>Called once, when the work did not complete at once.</summary>
    public void Start(FuseReplyToken token, TimeProvider time, TimeSpan deadline)
    {
        _token = token;
        _deadline = time.CreateTimer(
            static state => ((PendingOperation)state!).OnDeadline(), this, deadline, Timeout.InfiniteTimeSpan);
        _interrupt = token.Cancellation.UnsafeRegister(
            static state => ((PendingOperation)state!)._cancellation.Cancel(), this);
    }

    /// <summary>Takes the right to answer.</summary>
    /// <returns>False when the deadline has answered.</returns>
    public bool TryAnswer(out FuseReplyToken token)
    {
        token = _token;
        return Interlocked.Exchange(ref _answered, 1) == 0;
    }

    /// <summary>The work failed.</summary>
    public void Fail(Errno error)
    {
        if (TryAnswer(out var token))
        {
            token.ReplyError(error);
        }
    }

    public void Dispose()
    {
        _deadline?.Dispose();
        _interrupt.Unregister(); // Dispose would wait for a cancellation that runs just now.
    }

    private void OnDeadline()
    {
        Fail(Errno.InputOutput);
        _cancellation.Cancel();
    }
}
