using System.Runtime.InteropServices;
using OrleansCache.Fuse.Protocol;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.Session;

/// <summary>
/// The right to answer one deferred request, once, from any thread; the reply goes to the descriptor the request came
/// from. A value: copies share the right, and the first reply wins.
/// </summary>
/// <remarks>
/// Every reply method returns false when nobody took the answer (interrupted: the session has said EINTR; or the
/// session has ended): the caller then undoes what the answer would have handed out, a lookup count or an open handle.
/// </remarks>
internal readonly struct FuseReplyToken
{
    private readonly FusePendingRequest? _pending;
    private readonly long _generation;

    internal FuseReplyToken(FusePendingRequest pending, long generation)
    {
        _pending = pending;
        _generation = generation;
    }

    /// <summary>
    /// Fires when the caller was interrupted or the session ends; already fired once the request is answered so.
    /// Made when first asked for.
    /// </summary>
    public CancellationToken Cancellation => Pending.GetCancellation(_generation);

    /// <summary>False once somebody answered. A hint: it may turn false at any time.</summary>
    public bool IsPending => Pending.IsCurrent(_generation);

    private FusePendingRequest Pending =>
        _pending ?? throw new InvalidOperationException("A default FuseReplyToken answers no request.");

    /// <summary>Success without data.</summary>
    public bool ReplyOk() => Send(Errno.None, default, default);

    public bool ReplyError(Errno error) => Send(error, default, default);

    /// <summary>Bytes of a file, a link's target, packed directory entries, an extended attribute.</summary>
    public bool ReplyData(ReadOnlySpan<byte> data) => Send(Errno.None, data, default);

    /// <summary>The same for an answer that crosses from one block to the next.</summary>
    public bool ReplyData(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second) => Send(Errno.None, first, second);

    /// <summary>LOOKUP; on false take the lookup count back.</summary>
    public bool ReplyEntry(in FuseEntryOut entry) => SendValue(in entry);

    /// <summary>LOOKUP: there is no such name, and the kernel may remember it for this long.</summary>
    public bool ReplyNoEntry(TimeSpan validity) => validity <= TimeSpan.Zero
        ? ReplyError(Errno.NoEntry)
        : SendValue(FuseEntryOut.Create(0, default, validity, default));

    public bool ReplyAttributes(in FuseAttributesOut attributes) => SendValue(in attributes);

    /// <summary>OPEN and OPENDIR; on false close the handle again: no RELEASE will come.</summary>
    public bool ReplyOpened(in FuseOpenOut opened) => SendValue(in opened);

    public bool ReplyStatFs(in FuseStatFsOut statistics) => SendValue(in statistics);

    /// <summary>GETXATTR and LISTXATTR: the value, its size, or ERANGE, as the room at the caller demands.</summary>
    public bool ReplyXAttr(ReadOnlySpan<byte> value, in FuseXAttrIn asked)
    {
        if (asked.SizeBytes == 0)
        {
            return SendValue(new FuseXAttrOut { SizeBytes = (uint)value.Length });
        }

        return (uint)value.Length > asked.SizeBytes ? ReplyError(Errno.Range) : ReplyData(value);
    }

    /// <summary>The session answers in the file system's place and cancels its work.</summary>
    internal bool ReplyBySession(Errno error) => Pending.SendBySession(_generation, error);

    private bool Send(Errno error, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second) =>
        Pending.Send(_generation, error, first, second);

    private bool SendValue<T>(in T value)
        where T : unmanaged => Send(Errno.None, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)), default);
}
