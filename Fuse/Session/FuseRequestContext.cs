using System.Diagnostics;
using OrleansCache.Fuse.Protocol;

namespace OrleansCache.Fuse.Session;

/// <summary>
/// What a request borrows from its session thread: the reply memory and the way to defer. Used by one thread; tests
/// of a file system make one over memory of their own.
/// </summary>
internal sealed unsafe class FuseRequestContext(
    IFuseReplySink sink, FusePendingTable pending, byte* replyAddress, int replyCapacityBytes)
{
    private bool _deferred;

    public byte* ReplyAddress { get; } = replyAddress;

    public int ReplyCapacityBytes { get; } = replyCapacityBytes;

    public Span<byte> ReplyBuffer => new(ReplyAddress, ReplyCapacityBytes);

    /// <summary>When the request was read, in ticks of the time provider.</summary>
    public long Started { get; private set; }

    /// <summary>The token, once the current operation deferred itself.</summary>
    public FuseReplyToken? DeferredToken { get; private set; }

    /// <summary>Starts the next request.</summary>
    public void Begin(long started)
    {
        Started = started;
        DeferredToken = null;
        _deferred = false;
    }

    internal FuseReplyToken Defer(in FuseInHeader header)
    {
        if (_deferred)
        {
            throw new UnreachableException($"{header.Opcode} deferred its reply twice.");
        }

        _deferred = true;
        var token = pending.Add(sink, in header, Started);
        DeferredToken = token;
        return token;
    }
}
