using Microsoft.Extensions.Logging;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Session;

/// <summary>
/// The deferred requests of one session: finds them for INTERRUPT, bounds their number, ends them all at the stop.
/// Only misses come here, so one lock is enough; nothing is called while it is held.
/// </summary>
/// <param name="requestsMax">Requests at one time.</param>
/// <param name="counters">Count what is answered.</param>
/// <param name="logger">Hears of failures.</param>
/// <param name="isEnding">Whether a thread is being ended by a signal.</param>
internal sealed partial class FusePendingTable(
    int requestsMax, FuseCounters counters, ILogger logger, Func<uint, bool> isEnding)
{
    /// <summary>Threads looked at in one visit: a few milliseconds of work.</summary>
    private const int ThreadsPerVisit = 256;

    private readonly object _lock = new(); // Also waited on, which Lock cannot.
    private readonly Dictionary<ulong, Owed> _byUnique = [];
    private readonly Stack<FusePendingRequest> _free = new();
    private bool _closed;
    private int _visiting;
    private int _visitFrom;

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
            _byUnique[header.Unique] = new Owed(token, header.Pid);
        }

        if (closed)
        {
            token.ReplyBySession(Errno.ConnectionAborted);
        }

        return token;
    }

    /// <summary>
    /// A signal has come for whoever waits for the request. If it ends them: answers EINTR and cancels the work. Any other
    /// signal waits until the request is over, as with every regular file.
    /// </summary>
    /// <returns>False when the request is not one of the deferred.</returns>
    public bool Interrupt(ulong unique)
    {
        Owed owed;
        lock (_lock)
        {
            if (!_byUnique.TryGetValue(unique, out owed))
            {
                return false;
            }
        }

        return !isEnding(owed.Thread) || owed.Token.ReplyBySession(Errno.Interrupted);
    }

    /// <summary>
    /// Lets go whoever is being ended and the kernel says no INTERRUPT for: it says one for a request at most, and none for
    /// readahead and for O_DIRECT. Called now and then.
    /// </summary>
    public void InterruptEnding()
    {
        if (Interlocked.Exchange(ref _visiting, 1) != 0)
        {
            return; // The visit before still runs.
        }

        try
        {
            Owed[] all;
            lock (_lock)
            {
                all = _byUnique.Count == 0 ? [] : [.. _byUnique.Values];
            }

            var looked = new Dictionary<uint, bool>();
            for (var step = 0; step < all.Length; step++)
            {
                var owed = all[(_visitFrom + step) % all.Length];
                if (!looked.TryGetValue(owed.Thread, out var ends))
                {
                    if (looked.Count == ThreadsPerVisit)
                    {
                        _visitFrom = (_visitFrom + step) % all.Length;
                        return;
                    }

                    looked[owed.Thread] = ends = isEnding(owed.Thread);
                }

                if (ends)
                {
                    owed.Token.ReplyBySession(Errno.Interrupted);
                }
            }
        }
        finally
        {
            Volatile.Write(ref _visiting, 0);
        }
    }

    /// <summary>The session ends: every request is answered ECONNABORTED and cancelled, later ones at once.</summary>
    public void Close()
    {
        FuseReplyToken[] tokens;
        lock (_lock)
        {
            _closed = true;
            tokens = [.. _byUnique.Values.Select(static owed => owed.Token)];
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

    private readonly record struct Owed(FuseReplyToken Token, uint Thread);
}
