using System.Diagnostics;
using OrleansCache.Fuse.Protocol;

namespace OrleansCache.Fuse.Session;

/// <summary>
/// What a request borrows from its session thread: the reply memory and the way to defer. Used by one thread, except
/// <see cref="TryMarkInterrupted"/>; tests of a file system make one over memory of their own.
/// </summary>
internal sealed unsafe class FuseRequestContext(
    IFuseReplySink sink, FusePendingTable pending, byte* replyAddress, int replyCapacityBytes)
{
    private FuseReplyToken _token;
    private bool _deferred;
    private long _started;
    private uint _askedBytes;
    private ulong _current;
    private ulong _interrupted;

    public byte* ReplyAddress { get; } = replyAddress;

    public int ReplyCapacityBytes { get; } = replyCapacityBytes;

    public Span<byte> ReplyBuffer => new(ReplyAddress, ReplyCapacityBytes);

    /// <summary>The token, once the current operation deferred itself.</summary>
    public FuseReplyToken? DeferredToken => _deferred ? _token : null;

    /// <summary>Starts the next request. A restarted unique is not mistaken for one interrupted earlier.</summary>
    public void Begin(in FuseMessage message, long started)
    {
        _deferred = false;
        _started = started;
        _askedBytes = FuseReplyRules.AskedBytes(message.Header.Opcode, message.Body);
        Volatile.Write(ref _interrupted, 0);
        Volatile.Write(ref _current, message.Header.Unique);
    }

    /// <summary>If this is the current operation and it defers itself later: it ends with EINTR. Any thread.</summary>
    public bool TryMarkInterrupted(ulong unique)
    {
        if (Volatile.Read(ref _current) != unique)
        {
            return false;
        }

        // Another interrupter, late for an earlier request, may be here too: the kernel is then asked to say it again.
        var before = Interlocked.CompareExchange(ref _interrupted, unique, 0);
        return before == 0 || before == unique;
    }

    internal FuseReplyToken Defer(in FuseInHeader header)
    {
        if (_deferred)
        {
            throw new UnreachableException($"{header.Opcode} deferred its reply twice.");
        }

        _token = pending.Add(sink, in header, _askedBytes, _started);
        _deferred = true;

        // The table's lock orders this read after our registration: an INTERRUPT finds either it or the mark.
        if (Volatile.Read(ref _interrupted) == header.Unique)
        {
            pending.Interrupt(header.Unique);
        }

        return _token;
    }
}
