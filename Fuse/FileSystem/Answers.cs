using OrleansCache.Fuse.Protocol;
using OrleansCache.Fuse.Session;
using OrleansCache.Linux;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>What an operation found out, sent by whichever way its request went.</summary>
internal interface IFuseAnswer
{
    /// <summary>Answers on the session thread.</summary>
    FuseReply Send(in FuseRequest request);

    /// <summary>Answers a request whose reply was taken away.</summary>
    /// <returns>False when nobody took it: <see cref="Undo"/> follows.</returns>
    bool Send(FuseReplyToken token);

    /// <summary>Gives back what the answer would have handed out.</summary>
    void Undo();
}

/// <summary>LOOKUP.</summary>
internal readonly struct EntryAnswer(Errno error, FuseEntryOut entry, TimeSpan absentFor, NodeTable nodes) : IFuseAnswer
{
    public FuseReply Send(in FuseRequest request) => error switch
    {
        Errno.None => request.Entry(in entry),
        Errno.NoEntry => request.NoEntry(absentFor),
        _ => FuseReply.Error(error),
    };

    public bool Send(FuseReplyToken token) => error switch
    {
        Errno.None => token.ReplyEntry(in entry),
        Errno.NoEntry => token.ReplyNoEntry(absentFor),
        _ => token.ReplyError(error),
    };

    public void Undo()
    {
        if (error == Errno.None)
        {
            nodes.Forget(entry.NodeId, 1);
        }
    }
}

/// <summary>GETATTR.</summary>
internal readonly struct AttributesAnswer(Errno error, FuseAttributesOut attributes) : IFuseAnswer
{
    public FuseReply Send(in FuseRequest request) =>
        error == Errno.None ? request.Attributes(in attributes) : FuseReply.Error(error);

    public bool Send(FuseReplyToken token) =>
        error == Errno.None ? token.ReplyAttributes(in attributes) : token.ReplyError(error);

    public void Undo()
    {
    }
}

/// <summary>OPEN.</summary>
internal readonly struct OpenedAnswer(Errno error, ulong handle, HandleTable<OpenFile> handles) : IFuseAnswer
{
    /// <summary>
    /// Cached mode for the whole life of a node; its pages are one version's, so every open keeps them.
    /// </summary>
    private const FuseOpenFlags Flags = FuseOpenFlags.KeepCache | FuseOpenFlags.NoFlush;

    private FuseOpenOut Opened => new() { Handle = handle, Flags = Flags };

    public FuseReply Send(in FuseRequest request) =>
        error == Errno.None ? request.Opened(Opened) : FuseReply.Error(error);

    public bool Send(FuseReplyToken token) =>
        error == Errno.None ? token.ReplyOpened(Opened) : token.ReplyError(error);

    public void Undo()
    {
        if (error == Errno.None)
        {
            handles.Remove(handle)?.Dispose();
        }
    }
}

/// <summary>READLINK.</summary>
internal readonly struct BytesAnswer(Errno error, byte[] bytes) : IFuseAnswer
{
    public FuseReply Send(in FuseRequest request) => error == Errno.None ? request.Data(bytes) : FuseReply.Error(error);

    public bool Send(FuseReplyToken token) => error == Errno.None ? token.ReplyData(bytes) : token.ReplyError(error);

    public void Undo()
    {
    }
}

/// <summary>GETXATTR and LISTXATTR.</summary>
internal readonly struct XAttrAnswer(Errno error, byte[] value, FuseXAttrIn asked) : IFuseAnswer
{
    private readonly FuseXAttrIn _asked = asked;

    public FuseReply Send(in FuseRequest request) =>
        error == Errno.None ? request.XAttr(value, in _asked) : FuseReply.Error(error);

    public bool Send(FuseReplyToken token) =>
        error == Errno.None ? token.ReplyXAttr(value, in _asked) : token.ReplyError(error);

    public void Undo()
    {
    }
}
