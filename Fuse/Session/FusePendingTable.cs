using Microsoft.Extensions.Logging;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Session;

/// <summary>
/// The deferred requests of one session: finds them for INTERRUPT, bounds their number, ends them all at the stop.
/// Only misses come here, so one lock is enough; nothing is called while it is held.
/// </summary>
internal sealed partial class FusePendingTable(int requestsMax, FuseCounters counters, ILogger logger)
{
    private readonly object _lock = new(); // Also waited on, which Lock cannot.
    private readonly Dictionary<ulong, FuseReplyToken> _byUnique = [];
    private readonly Stack<FusePendingRequest> _free = new();
    private bool _closed;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _byUnique.Count;
            }
        }
    }

    /// <summary>Registers a request. Waits for room; the room comes from other requests being answered.</summary>
    public FuseReplyToken Add(IFuseReplySink sink, in FuseInHeader header, uint askedBytes, long started)
    {
        FuseReplyToken token;
        bool closed;
        lock (_lock)
        {
            while (_byUnique.Count >= requestsMax && !_closed)
            {
                Monitor.Wait(_lock);
            }

            var pending = _free.TryPop(out var used) ? used : new FusePendingRequest(this);
            token = pending.Begin(sink, in header, askedBytes, started);
            closed = _closed;
            _byUnique[header.Unique] = token;
        }

        if (closed)
        {
            token.ReplyBySession(Errno.ConnectionAborted);
        }

        return token;
    }

    /// <summary>Answers EINTR and cancels the work, if the request is one of the deferred.</summary>
    public bool Interrupt(ulong unique)
    {
        FuseReplyToken token;
        lock (_lock)
        {
            if (!_byUnique.TryGetValue(unique, out token))
            {
                return false;
            }
        }

        return token.ReplyBySession(Errno.Interrupted);
    }

    /// <summary>The session ends: every request is answered ECONNABORTED and cancelled, later ones at once.</summary>
    public void Close()
    {
        FuseReplyToken[] tokens;
        lock (_lock)
        {
            _closed = true;
            tokens = [.. _byUnique.Values];
            Monitor.PulseAll(_lock);
        }

        foreach (var token in tokens)
        {
            token.ReplyBySession(Errno.ConnectionAborted);
        }
    }

    internal void Remove(ulong unique)
    {
        lock (_lock)
        {
            _byUnique.Remove(unique);
            Monitor.Pulse(_lock);
        }
    }

    internal void Finished(FusePendingRequest pending, FuseOpcode opcode, long started, Errno error)
    {
        counters.AddDeferred(opcode, started, error);
        lock (_lock)
        {
            _free.Push(pending);
        }
    }

    /// <summary>Cancels on the pool: a session thread must not run the file system's continuations.</summary>
    internal void Cancel(CancellationTokenSource cancellation) => ThreadPool.UnsafeQueueUserWorkItem(
        static state =>
        {
            try
            {
                state.cancellation.Cancel();
            }
            catch (AggregateException exception)
            {
                state.table.LogCancelFailed(exception);
            }
        },
        (cancellation, table: this),
        preferLocal: false);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "{Opcode} was answered with {LengthBytes} bytes, which the kernel refuses; the caller gets EIO")]
    internal partial void LogBadReply(FuseOpcode opcode, int lengthBytes);

    [LoggerMessage(Level = LogLevel.Error, Message = "A cancellation callback of an interrupted FUSE request failed")]
    private partial void LogCancelFailed(Exception exception);
}
